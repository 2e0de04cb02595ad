// Webhooks of a GitHub: only signed ones are taken in, each does its work once, in whatever order and however often they
// come, and none is answered late.
import { createHmac, randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { badGateway, secondaryLimit } from '../support/github/api-faults.ts';
import { makeCommits } from '../support/github/commits.ts';
import { type GuardedGithub, startGuardedGithub } from '../support/github/guarded-github.ts';
import type { Repository } from '../support/github/world.ts';
import { secretSample } from '../support/secrets.ts';
import { until } from '../support/until.ts';

let scene: GuardedGithub;
let repository: Repository;

beforeAll(async () => {
  scene = await startGuardedGithub();
  repository = await scene.createRepository('hooks');
  // What a later commit takes away does not land, then.
  repository.mergeMethods = ['squash'];
});
afterAll(() => scene[Symbol.asyncDispose]());

interface Sent {
  readonly body: string;
  readonly event?: string;
  readonly guid?: string;
  readonly signature?: string;
}

function post({ body, event = 'ping', guid = randomUUID(), signature }: Sent): Promise<Response> {
  const own = `sha256=${createHmac('sha256', scene.app.webhookSecret).update(body).digest('hex')}`;
  return fetch(scene.app.webhookUrl, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-github-event': event,
      'x-github-delivery': guid,
      'x-hub-signature-256': signature ?? own,
    },
    body,
  });
}

const runsOf = (head: string): number =>
  [...repository.checkRuns.values()].filter(({ headSha }) => headSha === head).length;

describe('a webhook', () => {
  test.each([
    ['without a signature', { signature: '' }],
    ['with a signature of another secret', { signature: `sha256=${'0'.repeat(64)}` }],
    ['signed by the older method', { signature: `sha1=${'0'.repeat(40)}` }],
  ])('%s is refused before it is read', async (_, sent) => {
    const answer = await post({ body: '{not json', ...sent });
    expect([answer.status, await answer.text()]).toEqual([
      401,
      expect.stringContaining('[github/signature]'),
    ]);
  });

  test('that is no JSON, or has no id, is refused', async () => {
    expect((await post({ body: '{' })).status).toBe(400);
    expect((await post({ body: '{}', guid: ' ' })).status).toBe(400);
  });

  test('of each kind that GitHub shows as an example is taken in', async () => {
    const path = fileURLToPath(import.meta.resolve('@octokit/webhooks-examples/api.github.com/index.json'));
    const examples = JSON.parse(await readFile(path, 'utf8')) as readonly {
      readonly name: string;
      readonly examples: readonly object[];
    }[];
    const statuses = new Map<number, number>();
    const all = examples.flatMap(({ name, examples: payloads }) =>
      payloads.map((payload) => ({ body: JSON.stringify(payload), event: name })),
    );
    for (let at = 0; at < all.length; at += 20)
      for (const { status } of await Promise.all(all.slice(at, at + 20).map(post)))
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
    expect([...statuses.keys()]).toEqual([202]);
    expect(statuses.get(202)).toBeGreaterThan(300);
  });

  test('that comes twice works once', async () => {
    scene.github.deliveries.carriage = 'double';
    const pull = await scene.openPull(repository, { 'twice.txt': 'x\n' });
    await scene.check(repository, pull);
    scene.github.deliveries.carriage = 'send';
    const again = scene.github.deliveries.sent.findLast(({ event }) => event === 'pull_request');
    if (again) scene.github.deliveries.redeliver(again);
    await scene.github.deliveries.arrived();
    await until('the work is done', async () => (await open()) === 0);
    expect(runsOf(pull.headSha)).toBe(1);
  });

  test('that comes late tells nothing old', async () => {
    const token = secretSample('github-token', 31);
    const { deliveries } = scene.github;
    deliveries.carriage = 'hold';
    const pull = await scene.openPull(repository, { 'late.sh': token.text });
    await scene.push(repository, pull, { 'late.sh': 'echo\n' });
    deliveries.carriage = 'send';
    await deliveries.release((held) => held.toReversed());
    await scene.check(repository, pull, ({ conclusion }) => conclusion === 'success');
    await until('the work is done', async () => (await open()) === 0);
    const runs = [...repository.checkRuns.values()].filter(({ headSha }) => headSha === pull.headSha);
    expect(runs.map(({ conclusion }) => conclusion)).toEqual(['success']);
  });

  test('that was lost is made up for by the next', async () => {
    const { deliveries } = scene.github;
    deliveries.carriage = 'lose';
    const pull = await scene.openPull(repository, { 'lost.txt': 'x\n' });
    deliveries.carriage = 'send';
    await scene.push(repository, pull, { 'lost.txt': 'y\n' });
    expect((await scene.check(repository, pull)).conclusion).toBe('success');
  });
});

/** Pieces of work that are not done. */
async function open(): Promise<number> {
  const [row] = await scene.database.database.query<{ count: number }>(
    'select count(*)::int as count from github_work where repository = $1',
    ['acme/hooks'],
  );
  return row?.count ?? 0;
}

test('what GitHub does not take now is told it later', async () => {
  scene.github.faults.plan('POST /repos/{owner}/{repo}/check-runs', badGateway);
  scene.github.faults.plan('POST /repos/{owner}/{repo}/check-runs', secondaryLimit(1));
  scene.github.faults.plan('GET /repos/{owner}/{repo}/pulls/{pull_number}', { kind: 'drop' });
  const pull = await scene.openPull(repository, { 'patience.txt': 'x\n' });
  expect((await scene.check(repository, pull)).conclusion).toBe('success');
});

test('a check is written anew when somebody asks for it', async () => {
  const pull = await scene.openPull(repository, { 'again.txt': 'x\n' });
  const run = await scene.check(repository, pull);
  scene.github.actions.rerequest(repository, run, 'ada');
  await until('another check', () => runsOf(pull.headSha) === 2);
});

test('a merge queue is answered on its own commit', async () => {
  const [clean = '', dirty = ''] = await makeCommits(scene.github.world, repository, [
    { branch: 'queue-clean', files: { 'q.txt': 'q\n' } },
    { branch: 'queue-dirty', files: { 'q.sh': secretSample('npm-token', 32).text } },
  ]);
  const base = await repository.git.git('rev-parse', 'refs/heads/main');
  scene.github.actions.queue(repository, clean, base, 'ada');
  scene.github.actions.queue(repository, dirty, base, 'ada');
  const conclusion = (head: string): string | null | undefined =>
    [...repository.checkRuns.values()].find(({ headSha }) => headSha === head)?.conclusion;
  await until(
    'both answers',
    () => typeof conclusion(clean) === 'string' && typeof conclusion(dirty) === 'string',
  );
  expect([conclusion(clean), conclusion(dirty)]).toEqual(['success', 'failure']);
  const entries = await scene.audit('merge-group.checked');
  expect(new Set(entries.map(({ details }) => details['verdict']))).toEqual(new Set(['allow', 'deny']));
  expect(entries).toHaveLength(2);
});

test('nothing was asked or answered that GitHub does not describe', () => {
  expect(scene.github.violations).toEqual([]);
});
