// Guarded repositories that leave the sight of the App: told once, by whom and why as far as GitHub says, however webhooks
// come; shown until they are back; and what happened meanwhile is told then.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import type { AuditEntry } from '../../core/audit-entry.ts';
import { type Caller, createCaller } from '../support/api-caller.ts';
import { makeCommits } from '../support/github/commits.ts';
import { type GuardedGithub, startGuardedGithub } from '../support/github/guarded-github.ts';
import type { Repository } from '../support/github/world.ts';
import { type Receiver, startReceiver } from '../support/receiver.ts';
import { until } from '../support/until.ts';

const resources = new AsyncDisposableStack();
const names = ['removed', 'held', 'deleted', 'moved', 'archived'] as const;
let scene: GuardedGithub;
let hook: Receiver;
let auditor: Caller;
let repositories: Readonly<Record<(typeof names)[number], Repository>>;

beforeAll(async () => {
  hook = resources.use(await startReceiver());
  scene = resources.use(
    await startGuardedGithub({
      app: { bypass: { compareEvery: '1s' } },
      config: {
        notifications: [
          {
            name: 'hook',
            kind: 'webhook',
            url: hook.url,
            secret: { env: 'ALERT_SECRET' },
            on: ['repository-unwatched'],
          },
        ],
      },
      env: { ALERT_SECRET: ['a', 'secret', 'of', 'the', 'receiver'].join('-') },
    }),
  );
  const made = [];
  for (const name of names) made.push([name, await scene.createRepository(name)] as const);
  repositories = Object.fromEntries(made) as typeof repositories;
  auditor = await createCaller(scene.database.database, scene.guard.url, {
    name: 'auditor',
    scopes: [{ repository: '**', verbs: ['audit'] }],
  });
  await readList();
  await until('the refs were taken down', async () => {
    const sql = 'select from github_repository where watched_since is not null';
    return (await scene.database.database.query(sql)).length === names.length;
  });
}, 120_000);
afterAll(() => resources.disposeAsync());

const told = async (
  action: 'repository.unwatched' | 'repository.watched',
  { id }: Repository,
): Promise<readonly AuditEntry[]> =>
  (await scene.audit(action)).filter(({ details }) => details['id'] === id);

const isTold = (action: 'repository.unwatched' | 'repository.watched', repository: Repository) =>
  until(`${action} of ${repository.name}`, async () => (await told(action, repository)).length > 0);

/** Has the hourly list read now, as an hour without webhooks does, and waits until it was. */
async function readList(): Promise<void> {
  const { query } = scene.database.database;
  await query(`delete from github_round where kind = 'installed'`);
  await until('the list was asked for', async () => {
    return (await query(`select from github_round where kind = 'installed'`)).length === 1;
  });
  await settled();
}

/** Nothing came of webhooks that is not done. */
async function settled(): Promise<void> {
  await scene.github.deliveries.arrived();
  await until('the list was read', async () => {
    const sql = `select from github_work where kind = 'installed'`;
    return (await scene.database.database.query(sql)).length === 0;
  });
}

const posture = z.object({
  repositories: z.array(
    z.looseObject({
      repository: z.string(),
      points: z.array(z.looseObject({ topic: z.string(), state: z.string(), found: z.string() })),
    }),
  ),
});

/** What the posture says of whether it is seen. */
async function sightOf(
  name: string,
): Promise<{ readonly state: string; readonly found: string } | undefined> {
  const all = posture.parse((await auditor.get('/posture')).body).repositories;
  const one = all.find(({ repository }) => repository === `hub/acme/${name}`);
  return one?.points.find(({ topic }) => topic === 'sight');
}

interface Alarm {
  readonly title: string;
  readonly data: { readonly alert: Readonly<Record<string, unknown>> };
}
const alarmsOf = (name: string): readonly Alarm[] =>
  hook.received
    .map(({ body }) => JSON.parse(body) as Alarm)
    .filter(({ data }) => data.alert['repository'] === `hub/acme/${name}`);

test('one that is taken out of the installation is told once, with who did it, by a doubled webhook', async () => {
  const { removed } = repositories;
  const { deliveries, installing } = scene.github;
  deliveries.carriage = 'double';
  installing.select(scene.installation, 'removed', removed, 'mallory');
  deliveries.carriage = 'send';
  await isTold('repository.unwatched', removed);
  await settled();
  await readList();
  const entries = await told('repository.unwatched', removed);
  expect(entries).toHaveLength(1);
  expect(entries[0]).toMatchObject({
    repository: 'hub/acme/removed',
    actor: null,
    details: { cause: 'removed', by: 'mallory', account: { type: 'User' } },
  });
  expect(entries[0]?.details['lastSeen']).toMatch(/^\d{4}-.*Z$/);
  await until('an alert', () => alarmsOf('removed').length > 0);
  expect(alarmsOf('removed')[0]?.title).toBe(
    'Alert: hub/acme/removed: the guard no longer sees it: it was taken out of the installation of the App by mallory',
  );
  const point = await sightOf('removed');
  expect(point?.state).toBe('to-do');
  expect(point?.found).toContain('The guard no longer sees this repository: it was taken out');
});

test('once it is back that is told, and what was pushed meanwhile is found', async () => {
  const { removed } = repositories;
  const files = { 'quiet.txt': 'while nobody looked\n' };
  const [after = ''] = await makeCommits(scene.github.world, removed, [{ branch: 'main', files }]);
  scene.github.installing.select(scene.installation, 'added', removed, 'olu');
  await isTold('repository.watched', removed);
  const [entry, ...more] = await told('repository.watched', removed);
  expect(more).toEqual([]);
  expect(entry).toMatchObject({ details: { cause: 'removed', by: 'mallory' } });
  expect(entry?.request).toBe((await told('repository.unwatched', removed))[0]?.request);
  await until('the push is told', async () =>
    (await scene.audit('bypass.detected')).some(({ details }) => details['after'] === after),
  );
  const [found] = (await scene.audit('bypass.detected')).filter(({ details }) => details['after'] === after);
  expect(found).toMatchObject({ details: { found: 'comparison', update: 'update' } });
  await until('it is in sight', async () => (await sightOf('removed'))?.state === 'ok');
});

test('a webhook that comes after the list gives the posture its reason, and makes no second entry', async () => {
  const { deliveries, installing } = scene.github;
  const { held } = repositories;
  deliveries.carriage = 'hold';
  installing.select(scene.installation, 'removed', held, 'mallory');
  deliveries.carriage = 'send';
  await readList();
  await isTold('repository.unwatched', held);
  expect((await sightOf('held'))?.found).toContain('GitHub does not list it any more, and has not said why');
  await deliveries.release((some) => some);
  await until(
    'the posture knows',
    async () => (await sightOf('held'))?.found.includes('by mallory') === true,
  );
  await settled();
  const entries = await told('repository.unwatched', held);
  expect(entries).toMatchObject([{ details: { cause: 'unlisted', by: null } }]);
});

test('one that was deleted, and one that was transferred away', async () => {
  const { installing } = scene.github;
  const { deleted, moved } = repositories;
  installing.deleteRepository(deleted, 'mallory');
  installing.transferRepository(moved, 'elsewhere', 'eve');
  for (const one of [deleted, moved]) await isTold('repository.unwatched', one);
  await settled();
  expect(await told('repository.unwatched', deleted)).toMatchObject([
    { repository: 'hub/acme/deleted', details: { cause: 'deleted', by: 'mallory' } },
  ]);
  expect(await told('repository.unwatched', moved)).toMatchObject([
    { repository: 'hub/acme/moved', details: { cause: 'transferred', by: 'eve' } },
  ]);
});

test('what is archived is watched on, as it may be opened and changed in between', async () => {
  const { archived } = repositories;
  archived.isArchived = true;
  await readList();
  expect(await told('repository.unwatched', archived)).toEqual([]);
  expect((await sightOf('archived'))?.state).not.toBe('to-do');
});

test('an installation that is suspended tells by the list who did it where its webhook is lost', async () => {
  const { deliveries, installing } = scene.github;
  const { archived, removed } = repositories;
  deliveries.carriage = 'lose';
  installing.suspend(scene.installation, 'mallory');
  await readList();
  await isTold('repository.unwatched', archived);
  expect(await told('repository.unwatched', archived)).toMatchObject([
    { details: { cause: 'suspended', by: 'mallory' } },
  ]);
  // A second time for this one.
  expect(await told('repository.unwatched', removed)).toMatchObject([
    { details: { cause: 'removed' } },
    { details: { cause: 'suspended' } },
  ]);
  installing.unsuspend(scene.installation, 'olu');
  deliveries.carriage = 'send';
  await readList();
  await isTold('repository.watched', archived);
});

test('an App that is uninstalled has told each repository once, and those that were gone not again', async () => {
  const { installing } = scene.github;
  const { archived, deleted, removed } = repositories;
  installing.uninstall(scene.installation, 'mallory');
  await until('it is told', async () => (await told('repository.unwatched', archived)).length === 2);
  await settled();
  expect((await told('repository.unwatched', archived)).at(-1)).toMatchObject({
    details: { cause: 'uninstalled', by: 'mallory' },
  });
  expect(await told('repository.unwatched', removed)).toHaveLength(3);
  expect(await told('repository.unwatched', deleted)).toHaveLength(1);
  expect(scene.github.violations).toEqual([]);
});
