// A guard that sends its log out while it works and is killed while it does: nothing is lost, nothing is shown, and the
// receiver can tell by itself.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freshDatabase, type TestDatabase } from '../support/database.ts';
import { type RunningGuard, startGuard } from '../support/guard.ts';
import { type GuardedForge, startGuardedForge, upstreamPassword } from '../support/guarded-forge.ts';
import { phiMessage, phiPath, phiSample } from '../support/phi.ts';
import { type Receiver, startReceiver } from '../support/receiver.ts';
import { temporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts';
import { until } from '../support/until.ts';

let directory: TemporaryDirectory;
let database: TestDatabase;
let receiver: Receiver;
let scene: GuardedForge;
let later: RunningGuard | undefined;

const env = { SIEM_TOKEN: 'of-the-test' };
const sinks = (): readonly object[] => [
  {
    kind: 'http',
    name: 'siem',
    url: receiver.url,
    format: 'ocsf',
    token: { env: 'SIEM_TOKEN' },
    batchEntries: 1,
  },
  { kind: 'file', name: 'local', path: join(directory.path, 'audit.jsonl'), checkpointEvery: '1s' },
];

beforeAll(async () => {
  directory = await temporaryDirectory('audit-sinks');
  database = await freshDatabase();
  receiver = await startReceiver();
  scene = await startGuardedForge({
    config: { audit: { sinks: sinks() } },
    env,
    database,
    dataDir: join(directory.path, 'data'),
  });
});
afterAll(async () => {
  await later?.stop();
  await scene[Symbol.asyncDispose]();
  await receiver[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
  await directory.remove();
});

const logged = async (): Promise<number> => (await scene.audit()).length;
const behind = async (guard: RunningGuard): Promise<readonly number[]> => {
  const answer = await fetch(`${guard.url}/readyz`);
  const { sinks: reports } = (await answer.json()) as { readonly sinks: readonly { behind: number }[] };
  return reports.map((report) => report.behind);
};
const cursors = async (): Promise<readonly number[]> => {
  const rows = await database.database.query<{ next: number }>('select next::int from audit_sink');
  return rows.map(({ next }) => next);
};
const sent = (): Promise<void> =>
  until('everything was sent', async () => {
    const size = await logged();
    const at = await cursors();
    return at.length === 2 && at.every((next) => next >= size);
  });
const taken = (): readonly object[] => receiver.received.flatMap(({ body }) => JSON.parse(body) as object[]);

test('what agents do goes out, without the values that were found', async () => {
  const { tree } = await scene.cloneOfNew();
  const [sample, message, path] = [phiSample('hl7v2'), phiMessage(), phiPath()];
  await tree.commit(message.text, { [sample.path]: sample.text, [path.path]: path.text });
  const pushed = await tree.push('HEAD:refs/heads/agent/x');
  expect(pushed.code).toBe(1);
  await sent();
  const text = `${await readFile(join(directory.path, 'audit.jsonl'), 'utf8')}${JSON.stringify(taken())}`;
  expect(text).toContain('push.decided');
  for (const value of [...sample.values, ...message.values, ...path.values])
    expect(text).not.toContain(value);
  expect(taken()).toContainEqual(expect.objectContaining({ class_uid: 2006, action_id: 2 }));
  expect(receiver.received[0]?.headers.authorization).toBe('Bearer of-the-test');
  await until('it is told', async () => (await behind(scene.guard)).every((count) => count === 0));
});

test('a guard that is killed while it sends loses nothing', async () => {
  const { url } = await scene.createRepo('team/killed', { seed: { 'a.txt': 'a\n' } });
  receiver.delayMs = 300;
  const at = receiver.received.length;
  await Promise.all(Array.from({ length: 8 }, () => scene.client.clone(url)));
  await until('it is in the middle', () => receiver.received.length > at + 1);
  await scene.guard.kill();
  const size = await logged();
  expect((await cursors()).some((next) => next < size)).toBe(true);
  delete receiver.delayMs;
  const credential = { mode: 'basic', username: 'guard', password: { env: 'UPSTREAM_PASSWORD' } };
  later = await startGuard({
    config: {
      audit: { sinks: sinks() },
      forges: [{ name: 'forge', url: scene.upstream.url, credential }],
    },
    dataDir: join(directory.path, 'data'),
    env: { ...env, UPSTREAM_PASSWORD: upstreamPassword, DATABASE_URL: database.url },
  });
  await sent();
  // A checkpoint goes along every second, and after the last entry as well.
  const file = join(directory.path, 'audit.jsonl');
  const total = await logged();
  const judged = async (path: string) => {
    const result = await later?.command(['audit', 'verify', '--received', path, '--format', 'json']);
    return JSON.parse(result?.stdout ?? '{}') as { readonly provedTo: number };
  };
  await until('all of it is proved', async () => (await judged(file)).provedTo === total, 30_000);
  expect(await judged(file)).toMatchObject({
    ok: true,
    first: 0,
    past: total,
    entries: total,
    problemCount: 0,
  });
  const kept = join(directory.path, 'kept.jsonl');
  await writeFile(
    kept,
    taken()
      .map((event) => `${JSON.stringify(event)}\n`)
      .join(''),
  );
  expect(await judged(kept)).toMatchObject({
    ok: true,
    first: 0,
    past: total,
    entries: total,
    problemCount: 0,
  });
});

test('the commands tell what is wrong with what was kept, and with a receiver', async () => {
  const text = await readFile(join(directory.path, 'audit.jsonl'), 'utf8');
  const damaged = join(directory.path, 'damaged.jsonl');
  const lines = text.split('\n').filter((line) => !line.endsWith('"seq":3}'));
  await writeFile(damaged, lines.join('\n'));
  const result = await later?.command(['audit', 'verify', '--received', damaged]);
  expect(result?.code).toBe(1);
  expect(result?.stdout).toMatch(/^problem at 3: is missing \(gap\)$/m);
  expect(result?.stdout).toMatch(/^NOT OK$/m);

  receiver.answer = { status: 403 };
  const doctor = await later?.command(['doctor']);
  expect(doctor?.stdout).toMatch(/^FAIL {2}sink siem: the receiver answers 403$/m);
  expect(doctor?.stdout).toMatch(/^ok {4}sink local: .*audit\.jsonl can be written$/m);
});
