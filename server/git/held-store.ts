// Pushes that wait for people, on disk: a directory each with the pack and what is needed to forward it. Durable before
// anybody is asked. Several guards may share the directory; a push is found in it by its key alone.
// Trusts its own directory (mode 0700); what it reads back is checked all the same.
import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { GuardError } from '../../core/errors.ts';
import { type ObjectFormat, type Oid, parseOid } from '../../core/oid.ts';
import { syncDirectory } from '../private-file.ts';
import { diskError, linkOrCopy } from './quarantine.ts';
import type { RefCommand } from './receive-pack-request.ts';

export interface HeldPush {
  /** `<forge>/<path>` in the client's spelling. */
  readonly repository: string;
  readonly objectFormat: ObjectFormat;
  readonly commands: readonly RefCommand[];
  readonly shallow: readonly Oid[];
  /** Those of the client that matter to the upstream. */
  readonly capabilities: readonly string[];
  /** Those for the upstream. */
  readonly pushOptions: readonly string[];
  /** Objects that the client announced; zero where every command deletes. */
  readonly announced: number;
  readonly hasPack: boolean;
}

export interface KeptPush {
  readonly push: HeldPush;
  /** Its index stands beside it as `.idx`. Undefined where every command deletes. */
  readonly packPath: string | undefined;
}

export interface HeldStore {
  /** Keeps a push and the pack at `packPath`, whose index stands beside it, and returns its key. Rejects with `git/limit` or `git/disk-full`. */
  keep(push: HeldPush, packPath: string | undefined): Promise<string>;
  /** Undefined where there is none, or not all of it. */
  find(key: string): Promise<KeptPush | undefined>;
  /** Removes it; does nothing where it is gone. */
  discard(key: string): Promise<void>;
  /** Keys of the pushes that are older than this many milliseconds. */
  olderThan(ms: number): Promise<readonly string[]>;
}

const keyForm = /^push-[A-Za-z0-9_-]{24}$/;
const manifestName = 'push.json';
const packName = 'objects.pack';
const indexName = 'objects.idx';
const maxManifestBytes = 64 * 1024 * 1024;

const manifestSchema = z.strictObject({
  version: z.literal(1),
  repository: z.string(),
  objectFormat: z.enum(['sha1', 'sha256']),
  commands: z.array(z.strictObject({ ref: z.string(), oldOid: z.string(), newOid: z.string() })),
  shallow: z.array(z.string()),
  capabilities: z.array(z.string()),
  pushOptions: z.array(z.string()),
  announced: z.number().int().nonnegative(),
  hasPack: z.boolean(),
});

/** Opens the store at `root`, which is made where it is not there. `maxBytes` bounds all packs together. */
export async function openHeldStore(root: string, maxBytes: number): Promise<HeldStore> {
  await mkdir(root, { recursive: true, mode: 0o700 });

  async function keys(): Promise<readonly string[]> {
    return (await readdir(root)).filter((name) => keyForm.test(name));
  }

  async function checkRoom(packPath: string | undefined): Promise<void> {
    const sizes = await Promise.all((await keys()).map((key) => sizeOf(join(root, key, packName))));
    const own = packPath === undefined ? 0 : await sizeOf(packPath);
    if (sizes.reduce((sum, size) => sum + size, own) > maxBytes)
      throw new GuardError(
        'git/limit',
        `the pushes that wait for an approval would take more than ${maxBytes} bytes (approvals.heldBytes)`,
      );
  }

  return {
    async keep(push, packPath) {
      await checkRoom(packPath);
      const key = `push-${randomBytes(18).toString('base64url')}`;
      const draft = join(root, `.${key}`);
      try {
        await mkdir(draft, { mode: 0o700 });
        if (packPath !== undefined) {
          await linkOrCopy(packPath, join(draft, packName));
          await linkOrCopy(packPath.replace(/\.pack$/, '.idx'), join(draft, indexName));
        }
        await writeFile(join(draft, manifestName), JSON.stringify({ version: 1, ...push }), { mode: 0o600 });
        await syncAll(draft, [manifestName, ...(packPath === undefined ? [] : [packName, indexName])]);
        await rename(draft, join(root, key));
        await syncDirectory(root);
        return key;
      } catch (thrown) {
        await rm(draft, { recursive: true, force: true });
        throw diskError(thrown, "couldn't keep the push until it is approved");
      }
    },
    async find(key) {
      if (!keyForm.test(key)) return undefined;
      const push = await readManifest(join(root, key, manifestName));
      if (push === undefined) return undefined;
      const packPath = join(root, key, packName);
      if (!push.hasPack) return { push, packPath: undefined };
      return (await sizeOf(packPath)) > 0 ? { push, packPath } : undefined;
    },
    async discard(key) {
      if (keyForm.test(key)) await rm(join(root, key), { recursive: true, force: true });
    },
    async olderThan(ms) {
      const old: string[] = [];
      for (const key of await keys()) {
        const made = await stat(join(root, key)).catch(() => undefined);
        if (made !== undefined && Date.now() - made.mtimeMs > ms) old.push(key);
      }
      return old;
    },
  };
}

async function sizeOf(path: string): Promise<number> {
  return (await stat(path).catch(() => undefined))?.size ?? 0;
}

async function syncAll(directory: string, names: readonly string[]): Promise<void> {
  for (const name of names) {
    await using file = await open(join(directory, name), 'r');
    await file.sync();
  }
  await syncDirectory(directory);
}

async function readManifest(path: string): Promise<HeldPush | undefined> {
  const size = await sizeOf(path);
  if (size === 0 || size > maxManifestBytes) return undefined;
  const parsed = manifestSchema.safeParse(parseJson(await readFile(path, 'utf8')));
  if (!parsed.success) return undefined;
  const { version: _version, commands, shallow, ...rest } = parsed.data;
  const oid = (text: string): Oid | undefined => parseOid(text, rest.objectFormat);
  const checked = commands.flatMap(({ ref, oldOid, newOid }): readonly RefCommand[] => {
    const [before, after] = [oid(oldOid), oid(newOid)];
    return before === undefined || after === undefined ? [] : [{ ref, oldOid: before, newOid: after }];
  });
  const grafts = shallow.map(oid).filter((known) => known !== undefined);
  if (checked.length !== commands.length || grafts.length !== shallow.length) return undefined;
  return { ...rest, commands: checked, shallow: grafts };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
