// Changes the key that the keys of repositories and months are wrapped by. What they open stays as it is: no text is
// encrypted anew, and guards that run go on.
import { randomBytes } from 'node:crypto';
import { GuardError } from '../../../core/errors.ts';
import type { Queryable } from '../../db.ts';
import { appendOnce, type SingleAppendOptions } from '../single-append.ts';
import { wrapAbout } from './sealing.ts';
import { lockDataKeys, readWrappedAfter, replaceWrapped } from './store.ts';
import {
  adoptNextWrappingKey,
  decrypt,
  encrypt,
  findWrappingKey,
  parseWrappingKey,
  writeNextWrappingKey,
  type WrappingKey,
} from './wrapping-key.ts';

export interface RewrapOptions extends SingleAppendOptions {
  /** The key of the configuration; without it the one in the data directory is changed. */
  readonly configured: string | undefined;
  /** The new key in hex; drawn where it is not given, which only the one in the data directory can be. */
  readonly next: string | undefined;
  /** Who does it, such as `local:root`. */
  readonly person: string;
}

export interface Rewrapped {
  /** Names of the two keys; neither tells the key. */
  readonly previous: string;
  readonly next: string;
  /** Keys that were wrapped anew. */
  readonly keys: number;
}

const pageKeys = 500;

async function rewrapAll(client: Queryable, before: WrappingKey, after: WrappingKey): Promise<number> {
  await lockDataKeys(client);
  let count = 0;
  for (let last = ''; ;) {
    const page = await readWrappedAfter(client, last, pageKeys);
    for (const stored of page) {
      const about = wrapAbout(stored);
      const key = stored.wrapped === null ? undefined : decrypt(before.key, about, stored.wrapped);
      if (key === undefined)
        throw new GuardError(
          'audit/unavailable',
          `the key ${stored.id} is not wrapped by the key that is here`,
        );
      await replaceWrapped(client, stored.id, {
        wrapped: encrypt(after.key, about, key),
        wrappedBy: after.id,
      });
      count += 1;
    }
    const end = page.at(-1)?.id;
    if (end === undefined || page.length < pageKeys) return count;
    last = end;
  }
}

/**
 * Wraps every key anew, in the transaction that records it. Where the key is in the data directory the new one takes its
 * place, and a crash in between leaves one that fits. Rejects with `audit/unavailable` where the key is not here.
 */
export async function rewrapKeys(options: RewrapOptions): Promise<Rewrapped> {
  const { database, dataDir, configured, next, person } = options;
  if (configured === undefined) await adoptNextWrappingKey(database, dataDir);
  const before = await findWrappingKey(dataDir, configured);
  if (before === undefined)
    throw new GuardError('audit/unavailable', 'there is no key that texts of the audit log are sealed with');
  if (configured !== undefined && next === undefined)
    throw new GuardError(
      'input/invalid',
      'the key comes from audit.sealingKey: name a file with the new one',
    );
  const text = next ?? randomBytes(32).toString('hex');
  const after = parseWrappingKey(text, 'the new key');
  if (after.id === before.id) throw new GuardError('input/invalid', 'the new key is the one in use');
  // Durable before anything is wrapped by it.
  if (configured === undefined) await writeNextWrappingKey(dataDir, text);
  let keys = 0;
  await appendOnce(
    options,
    {
      action: 'audit.keys-rewrapped',
      request: randomBytes(8).toString('hex'),
      actor: null,
      repository: null,
      details: { previous: before.id, key: after.id, by: person },
    },
    async (client) => void (keys = await rewrapAll(client, before, after)),
  );
  if (configured === undefined) await adoptNextWrappingKey(database, dataDir, after.id);
  // What the table held before is overwritten as soon as PostgreSQL uses the place again.
  await database.query('vacuum audit_data_key');
  return { previous: before.id, next: after.id, keys };
}
