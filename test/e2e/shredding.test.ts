// Destroying the texts of a repository and month: whatever was made of them goes as well, from every table and from the
// data directory, and both verifiers say that it was destroyed.
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { activityTexts } from '../../server/activity/texts-store.ts';
import { approvalTexts } from '../../server/approvals/texts-store.ts';
import { createAuditLog } from '../../server/audit/log.ts';
import { openPack } from '../../server/audit/pack/unpack.ts';
import { verifyPack } from '../../server/audit/pack/verify-pack.ts';
import { createSealing } from '../../server/audit/sealing/sealing.ts';
import { createShredding } from '../../server/audit/sealing/shredding.ts';
import { openWrappingKey } from '../../server/audit/sealing/wrapping-key.ts';
import { verifierKeyText } from '../../core/checkpoint.ts';
import { readVerifierKey } from '../../server/audit/verifier-key.ts';
import { forgeguard } from '../cli/program.ts';
import { ok, type WorkTree } from '../support/client.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';
import { human } from '../support/human.ts';
import { bothVerifiersFind, verifierKey } from '../support/pack-verifiers.ts';
import { cloneSeeded, type PushForge, type PushRepository, startPushForge } from '../support/push-forge.ts';
import { readRefusal } from '../support/refusal.ts';
import { createReviewer, type Reviewer } from '../support/reviewers.ts';
import { run } from '../support/run.ts';
import { type TemporaryDirectory, temporaryDirectory } from '../support/temporary-directory.ts';

const word = (): string => randomBytes(8).toString('hex');
const texts = {
  branch: word(),
  path: word(),
  line: word(),
  message: word(),
  reason: word(),
  comment: word(),
};
/** Later than the month of the pushes is over, whenever this runs. */
const later = new Date(Date.now() + 40 * 86_400_000);
const month = new Date().toISOString().slice(0, 7);

let directory: TemporaryDirectory;
let store: TestDatabase;
let forge: PushForge;
let repo: PushRepository;
let work: WorkTree;
let reviewer: Reviewer;
let waiting: string;

/** Each text as it is, in hex and in base64 at any place. */
function found(content: Buffer | string): readonly string[] {
  const haystack = Buffer.isBuffer(content) ? content.toString('latin1') : content;
  const forms = (text: string): readonly string[] => [
    text,
    Buffer.from(text).toString('hex'),
    ...[0, 1, 2].map((at) =>
      Buffer.from(`${'x'.repeat(at)}${text}`)
        .toString('base64')
        .slice(4, -4),
    ),
  ];
  return Object.entries(texts).flatMap(([name, text]) =>
    forms(text).some((form) => haystack.includes(form)) ? [name] : [],
  );
}

async function filesWithTexts(): Promise<readonly string[]> {
  const entries = await readdir(join(directory.path, 'data'), { recursive: true, withFileTypes: true });
  const hits: string[] = [];
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name);
    if (found(entry.name).length > 0) hits.push(path);
    if (entry.isFile()) hits.push(...found(await readFile(path)).map((name) => `${path}: ${name}`));
  }
  return hits;
}

async function holdPush(): Promise<string> {
  const held = await work.push('HEAD:refs/heads/main', {
    options: ['forgeguard.format=json', `forgeguard.reason=${texts.reason}`],
  });
  return readRefusal(held.stderr).approval?.id ?? '';
}

beforeAll(async () => {
  directory = await temporaryDirectory('shredding');
  const dataDir = join(directory.path, 'data');
  await mkdir(dataDir, { mode: 0o700 });
  store = await freshDatabase();
  forge = await startPushForge({ dataDir, database: store });
  reviewer = await createReviewer(forge.database, forge.guard.url, 'ada@example.org');
  ({ repo, work } = await cloneSeeded(forge, { 'README.md': 'one\n' }));
  ok(await work.git('switch', '--quiet', '--create', `agent/${texts.branch}`));
  await work.commit(texts.message, { [`notes/${texts.path}.txt`]: `${texts.line}\n` });
  ok(await work.push(`HEAD:refs/heads/agent/${texts.branch}`));
  waiting = await holdPush();
}, 120_000);
afterAll(async () => {
  await forge[Symbol.asyncDispose]();
  await store[Symbol.asyncDispose]();
  await directory.remove();
});

/** What shreds on a log of its own, at a time after the month. */
async function withShredding<T>(
  use: (shredding: ReturnType<typeof createShredding>) => Promise<T>,
): Promise<T> {
  const { database } = forge;
  const dataDir = join(directory.path, 'data');
  const clock = { now: () => later };
  const sealing = createSealing(await openWrappingKey(database, dataDir, undefined));
  await using audit = await createAuditLog({ database, dataDir, clock, sealing, lockWaitMs: 5_000 });
  return await use(createShredding({ database, audit, clock, derived: [activityTexts, approvalTexts] }));
}

describe('destroying the texts of a month', () => {
  test('waits for requests that are not over', async () => {
    const wish = { repository: repo.id, month, reason: 'asked for' };
    const { database } = forge;
    const shredding = createShredding({
      database,
      audit: { append: () => Promise.reject(new Error('nothing is to be recorded')) },
      clock: { now: () => later },
      derived: [activityTexts, approvalTexts],
    });
    await expect(shredding.request(human('ada'), 'r', wish)).rejects.toThrow(
      '1 request for approval of this time must be decided, and reviewed, first',
    );
    await reviewer.decide(waiting, 'approve', { reason: texts.comment });
    await reviewer.until(waiting, 'applied');
  });

  test('leaves nothing of them in any table or file', async () => {
    const kept = `select count(*)::int as n from evidence where body is not null`;
    const released = `select count(*)::int as n from approval where released_at is null`;
    const count = async (sql: string): Promise<number | undefined> =>
      (await forge.database.query<{ n: number }>(sql))[0]?.n;
    await expect.poll(() => count(kept)).toBeGreaterThanOrEqual(2);
    await expect.poll(() => count(released)).toBe(0);
    await expect.poll(async () => found(await forge.stored())).toEqual(['branch', 'reason', 'comment']);
    await forge.guard.stop();
    await withShredding(async (shredding) => {
      const wish = { repository: repo.id, month, reason: 'asked for' };
      const { id } = await shredding.request(human('ada'), 'asking', wish);
      await shredding.approve(human('grace'), 'approving', id);
    });
    expect(found(await forge.stored())).toEqual([]);
    expect(await filesWithTexts()).toEqual([]);
  });

  test('is what both verifiers say of texts and evidence, and every proof holds', async () => {
    const env = {
      FORGEGUARD_DATA_DIR: join(directory.path, 'data'),
      DATABASE_URL: store.url,
    };
    const archive = join(directory.path, 'pack.tar.gz');
    expect(await forgeguard(directory.path, ['audit', 'verify'], env)).toMatchObject({ code: 0 });
    expect(await forgeguard(directory.path, ['audit', 'export', '--out', archive], env)).toMatchObject({
      code: 0,
    });
    const told = await forgeguard(directory.path, ['audit', 'verify', archive], env);
    expect(told).toMatchObject({ code: 0 });
    const evidence =
      /\nevidence of (\d+) entries: 0 opened, \1 destroyed under an approval, 0 not in the pack\nok\n$/;
    expect(told.stdout).toMatch(evidence);
    const scratch = join(directory.path, 'unpacked');
    await mkdir(scratch);
    const pack = await openPack(archive, scratch);
    const key = verifierKey((await readVerifierKey(env.FORGEGUARD_DATA_DIR))?.trim() ?? '');
    expect(await bothVerifiersFind(pack, { key, kept: [], witnesses: [] })).toEqual([]);
    const { documents } = await verifyPack(pack, { key, kept: [], witnesses: [] });
    expect(documents?.destroyed).toBe(documents?.entries);
    const python = await run('python3', [join(pack, 'verify.py'), '--key', verifierKeyText(key), pack], {
      env: { PATH: process.env['PATH'] ?? '' },
    });
    expect(python.stdout).toMatch(evidence);
  });
});
