// Pushes to a guarded repository that the guard did not forward: told once, with who and what, and scanned after the fact;
// what the guard forwarded or let pass is no alarm; a push whose webhook was lost is found all the same.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AuditEntry } from '../../core/audit-entry.ts';
import { createGitClient, type GitClient, ok, withCredentials } from '../support/client.ts';
import { issueToken } from '../support/guarded-forge.ts';
import { makeCommits } from '../support/github/commits.ts';
import { type GuardedGithub, startGuardedGithub } from '../support/github/guarded-github.ts';
import type { Repository } from '../support/github/world.ts';
import { phiSample } from '../support/phi.ts';
import { type Receiver, startReceiver } from '../support/receiver.ts';
import { secretSample } from '../support/secrets.ts';
import { until } from '../support/until.ts';

const patient = phiSample('fhir', 41);
const resources = new AsyncDisposableStack();
let scene: GuardedGithub;
let hook: Receiver;
let client: GitClient;
let repository: Repository;
let token: string;

beforeAll(async () => {
  hook = resources.use(await startReceiver());
  client = resources.use(await createGitClient());
  scene = resources.use(
    await startGuardedGithub({
      app: {
        agents: [{ logins: ['acme-agent'], onBehalfOf: ['human:ada@example.org'] }],
        bypass: { compareEvery: '1s', redeliverEvery: '2s' },
      },
      config: {
        notifications: [
          { name: 'hook', kind: 'webhook', url: hook.url, secret: { env: 'ALERT_SECRET' }, on: ['bypass'] },
        ],
      },
      env: { ALERT_SECRET: ['a', 'secret', 'of', 'the', 'receiver'].join('-') },
    }),
  );
  repository = await scene.createRepository('watched');
  ({ token } = await issueToken(scene.database.database));
  // Where the guard learns of a new repository.
  await scene.github.deliveries.arrived();
  scene.github.deliveries.emitTo(scene.installation, 'installation_repositories', undefined, {
    action: 'added',
  });
  await until('the refs were taken down', async () => (await watched()) === 1);
});
afterAll(() => resources.disposeAsync());

async function watched(): Promise<number> {
  const [row] = await scene.database.database.query<{ count: number }>(
    'select count(*)::int as count from github_repository where watched_since is not null',
  );
  return row?.count ?? 0;
}

const refs = async (): Promise<Readonly<Record<string, string>>> => repository.git.refs();
const entriesOf = async (after: string, action = 'bypass.scanned'): Promise<readonly AuditEntry[]> =>
  (await scene.audit(action)).filter(({ details }) => details['after'] === after);

interface Alarm {
  readonly title: string;
  readonly data: { readonly alert: Readonly<Record<string, unknown>> };
}
const alarms = (after: string): readonly Alarm[] =>
  hook.received
    .map(({ body }) => JSON.parse(body) as Alarm)
    .filter(({ data }) => data.alert['after'] === after);

/** Commits straight into the repository, as a push around the guard does, and tells of it. */
async function pushAround(
  branch: string,
  files: Readonly<Record<string, string>>,
  by = 'mallory',
  isTold = true,
): Promise<{ readonly before: string | null; readonly after: string }> {
  const ref = `refs/heads/${branch}`;
  const before = (await refs())[ref] ?? null;
  const [after = ''] = await makeCommits(scene.github.world, repository, [{ branch, files, by }]);
  if (isTold) await scene.github.actions.push(repository, ref, before, by);
  return { before, after };
}

async function alarmed(after: string): Promise<Alarm> {
  await until('an alert', () => alarms(after).length > 0).catch((thrown: unknown) => {
    throw new Error(`${String(thrown)}\n${scene.guard.logs().slice(-3_000)}`, { cause: thrown });
  });
  return alarms(after)[0] as Alarm;
}

/** Nothing waits to be looked at any more, and nobody was alarmed. */
async function expectQuiet(after: string): Promise<void> {
  await scene.github.deliveries.arrived();
  const open = `select count(*)::int as count from github_work where kind = 'push' or kind = 'compare' and attempts > 0`;
  const isDone = async (): Promise<boolean> => {
    const [row] = await scene.database.database.query<{ count: number }>(open);
    return row?.count === 0;
  };
  await until('the work is done', isDone);
  // A comparison, and whoever reads the log for alerts.
  await sleep(1_200);
  await until('the work is done', isDone);
  expect(await entriesOf(after, 'bypass.detected')).toEqual([]);
  expect(alarms(after)).toEqual([]);
}

describe('a push around the guard', () => {
  test('is told once, with who and what, and what was in it on its line', async () => {
    scene.github.deliveries.carriage = 'double';
    const { before, after } = await pushAround('main', {
      [patient.path]: patient.text,
      'a.sh': 'echo 1\n',
    });
    scene.github.deliveries.carriage = 'send';
    const alarm = await alarmed(after);
    expect(alarm.title).toMatch(/mallory pushed around the guard to refs\/heads\/main, with \d+ findings/);
    expect(alarm.data.alert).toMatchObject({
      kind: 'bypass',
      actor: 'human:hub/mallory',
      repository: 'hub/acme/watched',
      ref: 'refs/heads/main',
      before,
      after,
      by: 'mallory',
      verdict: 'deny',
    });
    const [detected, ...more] = await entriesOf(after, 'bypass.detected');
    expect(more).toEqual([]);
    expect(detected?.actor).toMatchObject({ id: 'human:hub/mallory', proof: 'forge' });
    expect(detected?.details).toMatchObject({
      how: 'push',
      update: 'update',
      found: 'webhook',
      isOwnApp: false,
    });
    const [scanned] = await entriesOf(after);
    expect(scanned?.details['findingCount']).toBeGreaterThan(0);
    const run = [...repository.checkRuns.values()].find(({ headSha }) => headSha === after);
    expect([run?.name, run?.conclusion]).toEqual(['forgeguard bypass', 'failure']);
    const planted = patient.text
      .split('\n')
      .findIndex((line) => line.includes(patient.values[0]?.text ?? ''));
    expect(run?.annotations).toContainEqual(
      expect.objectContaining({ path: patient.path, start_line: planted + 1 }),
    );
    for (const { text } of patient.values)
      expect(JSON.stringify([scanned, alarm, run?.annotations, run?.summary])).not.toContain(text);
    const again = scene.github.deliveries.sent.findLast(({ event }) => event === 'push');
    if (again) scene.github.deliveries.redeliver(again);
    await sleep(1_000);
    expect(alarms(after)).toHaveLength(1);
    expect(await entriesOf(after)).toHaveLength(1);
  });

  test('of an agent names the agent and its person', async () => {
    const { after } = await pushAround('agent/one', { 'one.txt': '1\n' }, 'acme-agent');
    await alarmed(after);
    const [entry] = await entriesOf(after);
    expect(entry?.actor).toMatchObject({ id: 'agent:hub/acme-agent', onBehalfOf: ['human:ada@example.org'] });
    expect(entry?.details).toMatchObject({ update: 'create', findingCount: 0 });
  });

  test('that changes history, is a tag, or deletes, is told as such', async () => {
    const { after: first } = await pushAround('rewritten', { 'r.txt': '1\n' });
    await alarmed(first);
    const key = secretSample('npm-token', 42);
    const [forced = ''] = await makeCommits(scene.github.world, repository, [
      { branch: 'other', from: 'main', files: { 'k.sh': key.text } },
    ]);
    const { git } = repository.git;
    await git('update-ref', 'refs/heads/rewritten', forced);
    await git('update-ref', '-d', 'refs/heads/other');
    await scene.github.actions.push(repository, 'refs/heads/rewritten', first, 'mallory', { isForced: true });
    expect((await alarmed(forced)).data.alert).toMatchObject({ before: first });
    const [entry] = await entriesOf(forced);
    expect(entry?.details).toMatchObject({ update: 'force', findingCount: 1 });

    await git(
      '-c',
      'user.name=M',
      '-c',
      'user.email=m@m.example',
      'tag',
      '-a',
      'v1',
      '-m',
      key.value,
      'main',
    );
    const tag = (await refs())['refs/tags/v1'] ?? '';
    await scene.github.actions.push(repository, 'refs/tags/v1', null, 'mallory');
    expect((await alarmed(tag)).data.alert).toMatchObject({ findingCount: 1 });

    await git('update-ref', '-d', 'refs/heads/rewritten');
    await scene.github.actions.push(repository, 'refs/heads/rewritten', forced, 'mallory');
    const deleted = (): readonly Alarm[] =>
      alarms('0'.repeat(40)).filter(({ data }) => data.alert['before'] === forced);
    await until('an alert of the deletion', () => deleted().length > 0);
    expect(deleted()[0]?.data.alert).toMatchObject({ ref: 'refs/heads/rewritten', by: 'mallory' });
  });

  test('of dependabot to a branch of its own is no alarm, and to another one is', async () => {
    const { after } = await pushAround('dependabot/npm/x', { 'x.txt': 'x\n' }, 'dependabot[bot]');
    await expectQuiet(after);
    const { after: strange } = await pushAround('elsewhere', { 'y.txt': 'y\n' }, 'dependabot[bot]');
    await alarmed(strange);
  });

  test('whose webhook never comes is found by where the refs stand', async () => {
    const { after } = await pushAround(
      'agent/silent',
      { 'silent.sh': secretSample('npm-token', 43).text },
      'eve',
      false,
    );
    expect((await alarmed(after)).data.alert).toMatchObject({ findingCount: 1, by: null });
    const [entry] = await entriesOf(after, 'bypass.detected');
    expect(entry?.details).toMatchObject({ found: 'comparison' });
    await scene.github.actions.push(repository, 'refs/heads/agent/silent', null, 'eve');
    await sleep(1_000);
    expect(alarms(after)).toHaveLength(1);
  });

  test('whose webhook was lost is delivered again, and is one alarm', async () => {
    scene.github.deliveries.carriage = 'lose';
    const { after } = await pushAround('agent/lost', { 'lost.txt': '1\n' }, 'eve');
    scene.github.deliveries.carriage = 'send';
    expect((await alarmed(after)).data.alert).toMatchObject({ by: 'eve' });
    const isAgain = (): boolean =>
      scene.github.deliveries.sent.some(
        ({ event, redelivery, body }) => event === 'push' && redelivery && body.includes(after),
      );
    await until('it was delivered again', isAgain);
    await sleep(1_000);
    expect(alarms(after)).toHaveLength(1);
  });
});

describe('no alarm is', () => {
  test('a push through the guard, and one beside it is', async () => {
    const url = withCredentials(`${scene.guard.url}/git/hub/acme/watched.git`, 'agent', token);
    const tree = await client.clone(url);
    const after = await tree.commit('Through', { 'through.txt': '1\n' });
    // The webhook is there before the guard itself knows that its push has landed.
    const hold = await repository.git.holdIn('post-receive');
    const pushed = tree.push('HEAD:refs/heads/agent/through');
    await hold.reached;
    await scene.github.actions.push(repository, 'refs/heads/agent/through', null, 'forgeguard-test[bot]');
    await scene.github.deliveries.arrived();
    await sleep(1_000);
    hold.release();
    ok(await pushed);
    await expectQuiet(after);
    // The same commit elsewhere is another push.
    await repository.git.git('update-ref', 'refs/heads/copied', after);
    await scene.github.actions.push(repository, 'refs/heads/copied', null, 'forgeguard-test[bot]');
    await alarmed(after);
    const [entry] = await entriesOf(after, 'bypass.detected');
    expect(entry?.details).toMatchObject({ isOwnApp: true });
  });

  test('a merge of what the check let pass; one of what it did not is', async () => {
    const { actions } = scene.github;
    const pull = await scene.openPull(repository, { 'merged.txt': 'm\n' });
    await scene.check(repository, pull, ({ conclusion }) => conclusion === 'success');
    const merged = await actions.merge(repository, pull, pull.user, { sha: undefined, method: 'squash' });
    await expectQuiet('sha' in merged ? merged.sha : '');
    await repository.git.git('update-ref', '-d', `refs/heads/${pull.headRef}`);
    await actions.push(repository, `refs/heads/${pull.headRef}`, pull.headSha, 'coder');

    // GitHub takes a commit that somebody made by hand for the merge, too.
    const forged = await scene.openPull(repository, { 'fine.txt': 'f\n' });
    await scene.check(repository, forged, ({ conclusion }) => conclusion === 'success');
    const before = (await refs())['refs/heads/main'] ?? '';
    const [evil = ''] = await makeCommits(scene.github.world, repository, [
      { branch: 'main', files: { 'fine.txt': 'f\n', 'evil.sh': secretSample('npm-token', 45).text } },
    ]);
    forged.merged = { sha: evil, by: forged.user, at: new Date() };
    forged.closedAt = new Date();
    await actions.push(repository, 'refs/heads/main', before, 'mallory');
    expect((await alarmed(evil)).title).toContain('merged something else than the guard let pass');

    const bad = await scene.openPull(repository, { 'bad.sh': secretSample('npm-token', 44).text });
    await scene.check(repository, bad, ({ conclusion }) => conclusion === 'failure');
    const landed = await actions.merge(repository, bad, bad.user, { sha: undefined, method: 'squash' });
    const sha = 'sha' in landed ? landed.sha : '';
    expect((await alarmed(sha)).title).toContain('merged what no check of the guard let pass');
    expect(alarms('0'.repeat(40)).filter(({ data }) => data.alert['before'] === pull.headSha)).toEqual([]);
  });
});

test('GitHub was asked and answered as it describes', () => {
  expect(scene.github.violations).toEqual([]);
});
