// Sessions out of the log: where one ends and the next begins, several readers at once, and a log that grows.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AuditAction, AuditEvent } from '../../core/audit-event.ts';
import type { Principal } from '../../core/principal.ts';
import type { Session } from '../../core/activity/service.ts';
import { type Activity, createActivity } from '../../server/activity/part.ts';
import { createAuditFeed } from '../../server/audit/feed.ts';
import { auditBench, type AuditBench } from '../support/audit.ts';

let bench: AuditBench;
let activity: Activity;
beforeAll(async () => {
  bench = await auditBench();
  activity = open();
});
afterAll(async () => {
  await activity[Symbol.asyncDispose]();
  await bench[Symbol.asyncDispose]();
});

function open(): Activity {
  return createActivity({
    database: bench.database,
    feed: createAuditFeed(bench.database),
    clock: { now: () => bench.now },
    onProblem: (problem, error) => {
      throw new Error(problem, { cause: error });
    },
  });
}

const bot = (name: string, more: Partial<Principal> = {}): Principal => ({
  kind: 'agent',
  id: `agent:${name}`,
  issuer: 'guard',
  subject: name,
  groups: [],
  onBehalfOf: ['human:ada'],
  session: `tok-${name}`,
  proof: 'guard-token',
  ...more,
});

let requests = 0;
function event(actor: Principal | null, action: AuditAction, more: Partial<AuditEvent> = {}): AuditEvent {
  requests += 1;
  return { action, request: `r-${requests}`, actor, repository: 'forge/app', details: {}, ...more };
}

/** Writes events that many minutes after the one before. */
async function write(...events: readonly (readonly [number, AuditEvent])[]): Promise<void> {
  for (const [minutes, one] of events) {
    bench.now = new Date(bench.now.getTime() + minutes * 60_000);
    await bench.write([one]);
  }
}

async function sessionsOf(actor: string): Promise<readonly Session[]> {
  expect(await activity.service.catchUp()).toMatchObject({ behind: 0 });
  return (await activity.service.sessions({ actor, limit: 100 })).toReversed();
}

describe('a session', () => {
  test('goes on until half an hour is silent', async () => {
    const one = bot('idle');
    await write(
      [0, event(one, 'fetch.served')],
      [29, event(one, 'fetch.served')],
      [29, event(one, 'fetch.served')],
      [30, event(one, 'fetch.served')],
    );
    const sessions = await sessionsOf(one.id);
    expect(sessions.map(({ entries, state }) => [entries, state])).toEqual([
      [3, 'ended'],
      [1, 'active'],
    ]);
    bench.now = new Date(bench.now.getTime() + 30 * 60_000);
    expect((await sessionsOf(one.id)).map(({ state }) => state)).toEqual(['ended', 'ended']);
  });

  test('is of one credential and of those for whom it is done', async () => {
    const one = bot('several');
    await write(
      [0, event(one, 'fetch.served')],
      [1, event({ ...one, session: 'tok-other' }, 'fetch.served')],
      [1, event({ ...one, onBehalfOf: ['human:bob'] }, 'fetch.served')],
      [1, event(one, 'fetch.served')],
    );
    const sessions = await sessionsOf(one.id);
    expect(
      sessions.map(({ credential, onBehalfOf, entries }) => [credential, onBehalfOf[0], entries]),
    ).toEqual([
      ['tok-several', 'human:ada', 2],
      ['tok-other', 'human:ada', 1],
      ['tok-several', 'human:bob', 1],
    ]);
  });

  test('is not longer than a day', async () => {
    const one = bot('busy');
    for (let step = 0; step < 75; step += 1) await write([20, event(one, 'fetch.served')]);
    expect((await sessionsOf(one.id)).map(({ entries }) => entries)).toEqual([72, 3]);
  });

  test('has what others do about its requests, and does not go on by that', async () => {
    const one = bot('held');
    const push = event(one, 'push.received', { details: { refUpdateCount: 1 } });
    const about = (actor: Principal | null, action: AuditAction): AuditEvent => ({ ...push, actor, action });
    const ada = bot('ada', { kind: 'human', id: 'human:ada' });
    await write(
      [0, push],
      [0, { ...about(one, 'push.decided'), details: { verdict: 'hold', findingCount: 2 } }],
      [0, about(one, 'approval.requested')],
      [0, { ...about(one, 'push.held'), details: { approval: 'ap_1' } }],
    );
    expect(await sessionsOf(one.id)).toMatchObject([{ waiting: 1, state: 'waiting' }]);
    await write(
      [120, about(ada, 'approval.voted')],
      [0, about(null, 'approval.applying')],
      [0, { ...about(one, 'push.decided'), details: { verdict: 'hold', findingCount: 2, approval: 'ap_1' } }],
      [0, about(one, 'push.forwarded')],
      [0, about(null, 'approval.applied')],
      [1, event(one, 'fetch.served')],
    );
    const sessions = await sessionsOf(one.id);
    expect(sessions.map(({ entries, waiting, state }) => [entries, waiting, state])).toEqual([
      [9, 0, 'ended'],
      [1, 0, 'active'],
    ]);
    expect(sessions[0]?.repositories['forge/app']).toMatchObject({
      pushes: 1,
      held: 1,
      forwarded: 1,
      findings: 2,
    });
    expect(await sessionsOf(ada.id)).toEqual([]);
  });

  test('is not made of what the guard does', async () => {
    await write([0, event(null, 'guard.started')], [0, event(bot('reader'), 'audit.read')]);
    expect(await sessionsOf('agent:reader')).toEqual([]);
  });
});

test('readers at once count every entry once, and a rebuild finds the same', async () => {
  const one = bot('shared');
  await using log = await bench.open({ writeDeadlineMs: 20_000 });
  const many = Array.from({ length: 1_200 }, () => event(one, 'fetch.served'));
  await Promise.all(many.map((each) => log.append(each)));
  await using other = open();
  await using third = open();
  await Promise.all([activity, other, third].map(({ service }) => service.catchUp()));
  const total = async (): Promise<number> =>
    (await activity.service.actor(one.id))?.repositories[0]?.counts.fetches ?? 0;
  expect(await total()).toBe(1_200);
  const ids = (await sessionsOf(one.id)).map(({ id, entries }) => [id, entries]);
  const rebuilt = await activity.rebuild();
  expect(rebuilt).toBe(await createAuditFeed(bench.database).size());
  expect(await total()).toBe(1_200);
  expect((await sessionsOf(one.id)).map(({ id, entries }) => [id, entries])).toEqual(ids);
});

test('what was destroyed in the log is forgotten here', async () => {
  const one = bot('shredded');
  bench.now = new Date('2026-06-10T10:00:00Z');
  const push = event(one, 'push.received', {
    repository: 'forge/clinic',
    details: {
      address: '192.0.2.9',
      refUpdateCount: 1,
      refUpdates: [{ ref: 'refs/heads/jane', old: '0', new: '1' }],
    },
  });
  const digest = 'd'.repeat(64);
  await write(
    [0, push],
    [0, { ...push, action: 'evidence.kept', details: { kind: 'push-changes', digest } }],
  );
  const [session] = await sessionsOf(one.id);
  const attempt = async () => (await activity.service.attempts(session?.id ?? '', -1, 10))[0]?.facts;
  expect(await attempt()).toMatchObject({ address: '192.0.2.9', evidence: digest });
  const details = { repository: 'forge/clinic', month: '2026-06' };
  await write([60_000, event(null, 'audit.shredded', { repository: null, details })]);
  await activity.service.catchUp();
  expect(await attempt()).toEqual({ refCount: 1, evidence: digest });
  expect((await activity.service.actor(one.id))?.traits.map(({ kind }) => kind)).not.toContain('address');
});
