// What time does to a held push, by the clock of the database: it runs out under a client that waits, or a second group
// may decide. And how many pushes of one agent may wait.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ok, type WorkTree } from '../support/client.ts';
import { cloneSeeded, type PushForge, type PushRepository, startPushForge } from '../support/push-forge.ts';
import { readRefusal } from '../support/refusal.ts';
import { createReviewer, type Reviewer } from '../support/reviewers.ts';

const policy = `version: 1
rules:
  - id: main-waits
    when: { operation: push, ref: main }
    then: { hold: { expires: 8h, escalate: { to: group:leads, after: 4h } } }
`;

let forge: PushForge;
let ada: Reviewer;
let lead: Reviewer;

beforeAll(async () => {
  forge = await startPushForge({ policy, approvals: { mostWaiting: 2 } });
  ada = await createReviewer(forge.database, forge.guard.url, 'ada@example.org');
  lead = await createReviewer(forge.database, forge.guard.url, 'lead@example.org', { groups: ['leads'] });
});
afterAll(async () => forge?.[Symbol.asyncDispose]());

interface Changed {
  readonly repo: PushRepository;
  readonly work: WorkTree;
  readonly oid: string;
}

async function changed(): Promise<Changed> {
  const { repo, work } = await cloneSeeded(forge, { 'README.md': 'one\n' });
  return { repo, work, oid: await work.commit('Change', { 'README.md': 'two\n' }) };
}

async function requestsOf(repo: PushRepository): Promise<readonly string[]> {
  const open = await ada.list('waiting');
  return open.filter((request) => request['repository'] === repo.id).map(({ id }) => id);
}

/** Lets so much time go by for a request, as the database's clock sees it. */
async function pass(id: string, hours: number): Promise<void> {
  await forge.database.query(
    `update approval set created_at = created_at - make_interval(hours => $2),
       expires_at = expires_at - make_interval(hours => $2) where id = $1`,
    [id, hours],
  );
}

const actionsOf = async (id: string): Promise<readonly string[]> =>
  (
    await forge.database.query<{ action: string }>(
      `select event ->> 'action' as action from approval_outbox
       where approval = $1 and event is not null and recorded_at is not null order by seq`,
      [id],
    )
  ).map(({ action }) => action);

test('a wait ends when the request runs out, and nothing lands', async () => {
  const { repo, work, oid } = await changed();
  const pushed = work.push('HEAD:refs/heads/main', { options: ['forgeguard.wait=60'] });
  await expect.poll(() => requestsOf(repo)).toHaveLength(1);
  const [id = ''] = await requestsOf(repo);
  const begun = performance.now();
  await pass(id, 8);
  const done = await pushed;
  expect(performance.now() - begun).toBeLessThan(10_000);
  expect(done.code).toBe(1);
  expect(done.stderr).toContain('expired before it was approved');
  expect(await ada.see(id)).toMatchObject({ state: 'expired', isFinal: true });
  expect((await ada.decide(id, 'approve')).status).toBe(409);
  expect((await repo.upstream.refs())['refs/heads/main']).not.toBe(oid);
  expect(await actionsOf(id)).toEqual(['approval.requested', 'approval.expired']);
  await expect.poll(() => readdir(join(forge.guard.dataDir, 'held'))).toHaveLength(0);
});

test('a second group may approve what the first has not decided in time, and it lands', async () => {
  const { repo, work, oid } = await changed();
  const told = await work.push('HEAD:refs/heads/main');
  expect(told.stderr).toContain('approvers: 1 of group:reviewers; after 4 hours also group:leads');
  const [id = ''] = await requestsOf(repo);
  expect((await lead.decide(id, 'approve')).status).toBe(403);
  await pass(id, 4);
  expect(await lead.decide(id, 'approve')).toMatchObject({ status: 200 });
  await ada.until(id, 'applied');
  expect((await repo.upstream.refs())['refs/heads/main']).toBe(oid);
  expect((await actionsOf(id)).slice(0, 4)).toEqual([
    'approval.requested',
    'approval.escalated',
    'approval.voted',
    'approval.approved',
  ]);
});

test('an agent that asks for too much is told so, and nothing of it is kept', async () => {
  const held = async (): Promise<string> => {
    const { repo, work } = await changed();
    expect((await work.push('HEAD:refs/heads/main')).stderr).toContain('held for approval');
    return (await requestsOf(repo))[0] ?? '';
  };
  const [first] = [await held(), await held()];
  const { repo, work, oid } = await changed();
  const refused = await work.push('HEAD:refs/heads/main');
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain('[approval/too-many]');
  expect(refused.stderr).toContain('which is 2');
  expect(refused.stderr).toContain('cancel what is not needed');
  expect((await repo.lastAttempt()).actions.at(-1)).toBe('push.refused');
  expect(await readdir(join(forge.guard.dataDir, 'held'))).toHaveLength(2);
  // What does not need people goes on.
  ok(await work.push('HEAD:refs/heads/agent/x'));
  await ada.decide(first, 'deny');
  const again = await work.push('HEAD:refs/heads/main', { options: ['forgeguard.format=json'] });
  const id = readRefusal(again.stderr).approval?.id ?? '';
  await ada.decide(id, 'approve');
  await ada.until(id, 'applied');
  expect((await repo.upstream.refs())['refs/heads/main']).toBe(oid);
});

test('the log of all this verifies', async () => {
  expect(await forge.guard.command(['audit', 'verify'])).toMatchObject({ code: 0 });
});
