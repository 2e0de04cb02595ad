// A push through the guard of more refs than an entry of the log has room for: none of them is taken for one around the
// guard, whoever repeats one of them is; and what cannot be compared is neither silence nor a false alarm.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import type { AuditEntry } from '../../core/audit-entry.ts';
import { createGitClient, ok, withCredentials, type WorkTree } from '../support/client.ts';
import { makeCommits } from '../support/github/commits.ts';
import { type GuardedGithub, startGuardedGithub } from '../support/github/guarded-github.ts';
import type { Repository } from '../support/github/world.ts';
import { issueToken } from '../support/guarded-forge.ts';
import { until } from '../support/until.ts';

const count = 450;
const names = Array.from({ length: count }, (_, at) => `refs/heads/agent/branch-${at}`);
const resources = new AsyncDisposableStack();
let scene: GuardedGithub;
let repository: Repository;
let work: WorkTree;
let commit: string;

beforeAll(async () => {
  const client = resources.use(await createGitClient());
  scene = resources.use(await startGuardedGithub({ app: { bypass: { compareEvery: '1s' } } }));
  repository = await scene.createRepository('long');
  await scene.github.deliveries.arrived();
  scene.github.deliveries.emitTo(scene.installation, 'installation_repositories', undefined, {
    action: 'added',
  });
  await until('the refs were taken down', async () => {
    const sql = 'select from github_repository where watched_since is not null';
    return (await scene.database.database.query(sql)).length === 1;
  });
  const { token } = await issueToken(scene.database.database);
  work = await client.clone(withCredentials(`${scene.guard.url}/git/hub/acme/long.git`, 'agent', token));
  commit = await work.commit('Change', { 'change.txt': '1\n' });
  ok(await work.push(names.map((name) => `HEAD:${name}`)));
}, 120_000);
afterAll(() => resources.disposeAsync());

const bot = (): string => `${scene.app.slug}[bot]`;
const told = (ref: string, before: string | null, by: string): Promise<void> =>
  scene.github.actions.push(repository, ref, before, by);

const moveSchema = z.object({ before: z.string(), after: z.string() });

/** What the log has of pushes around the guard, from where to where. */
async function detected(): Promise<readonly (readonly [string, string])[]> {
  return (await scene.audit('bypass.detected')).map(({ details }) => {
    const { before, after } = moveSchema.parse(details);
    return [before, after];
  });
}

/** Heads as the comparison knows them. */
async function known(): Promise<number> {
  const sql = `select count(*)::int as count from github_head where repository = 'acme/long' and suspect is null`;
  const [row] = await scene.database.database.query<{ count: number }>(sql);
  return row?.count ?? 0;
}

/** Has the comparison that is due within a second begin now, where a guard would look for it every few seconds. */
async function compareSoon(): Promise<void> {
  const { actions } = scene.github;
  actions.createdRef(repository, 'agent/any', 'coder');
  await scene.github.deliveries.arrived();
}

async function worked(): Promise<void> {
  await scene.github.deliveries.arrived();
  await until('the webhooks were worked off', async () => {
    const sql = `select from github_work where kind = 'push'`;
    return (await scene.database.database.query(sql)).length === 0;
  });
}

test('the log keeps the whole list by its digest, before anything is forwarded', async () => {
  const kept = await scene.audit('evidence.kept');
  const lists = kept.filter(({ details }) => details['kind'] === 'push-refs');
  const [decided] = await scene.audit('push.decided');
  expect(decided?.details).toMatchObject({
    refUpdateCount: count,
    refLists: lists.map(({ details }) => ({ digest: details['digest'], count: details['count'] })),
  });
  expect(lists.reduce((sum, { details }) => sum + Number(details['count']), 0)).toBe(count);
  const isBefore = (entry: AuditEntry): boolean => entry.index < (decided?.index ?? 0);
  expect(lists.every(isBefore)).toBe(true);
});

test('none of it went around the guard, by webhooks and by where refs stand; one more ref did', async () => {
  for (const at of [0, 199, 200, 449]) await told(names[at] ?? '', null, bot());
  await worked();
  await compareSoon();
  await until('all refs were compared', async () => (await known()) === count + 1);
  expect(await detected()).toEqual([]);
  const [direct = ''] = await makeCommits(scene.github.world, repository, [
    { branch: 'agent/branch-450', from: 'main', files: { 'direct.txt': '1\n' } },
  ]);
  await compareSoon();
  await until('the push beside it was noticed', async () => (await detected()).length > 0);
  expect(await detected()).toEqual([['0'.repeat(40), direct]]);
});

test('whoever repeats one of its updates, after the branch was deleted, has pushed around the guard', async () => {
  const [none, ref] = ['0'.repeat(40), names[300] ?? ''];
  await told(ref, null, bot());
  await worked();
  const before = (await detected()).length;
  await repository.git.git('update-ref', '-d', ref);
  await told(ref, commit, 'mallory');
  await until('the deletion was noticed', async () => (await detected()).length === before + 1);
  await repository.git.git('update-ref', ref, commit);
  await told(ref, null, bot());
  await until('the repetition was noticed', async () => (await detected()).length === before + 2);
  expect((await detected()).slice(before)).toEqual([
    [commit, none],
    [none, commit],
  ]);
});

test('where the list is gone people are told once, and only what the App has pushed is put down to it', async () => {
  const { database } = scene.database;
  await database.transaction(async (client) => {
    await client.query('update github_ledger_cursor set next = 0');
    await client.query('delete from github_forward');
    await client.query('delete from evidence');
  });
  const before = (await detected()).length;
  for (const at of [440, 441]) await told(names[at] ?? '', null, bot());
  await worked();
  const unlisted = await scene.audit('bypass.unlisted');
  expect(unlisted).toMatchObject([{ repository: 'hub/acme/long', details: { updates: count - 200 } }]);
  const [decided] = await scene.audit('push.decided');
  expect(unlisted[0]?.request).toBe(decided?.request);
  expect((await detected()).length).toBe(before);
  await told(names[442] ?? '', null, 'mallory');
  await until('a push of somebody else was noticed', async () => (await detected()).length === before + 1);
});

test('GitHub was asked and answered as it describes', () => {
  expect(scene.github.violations).toEqual([]);
});
