// Who is told of what, and how often: real receivers, a real database, a real audit log.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { AuditEvent } from '../../core/audit-event.ts';
import { GuardError } from '../../core/errors.ts';
import { topicsOf, usualTopics } from '../../core/notice-topics.ts';
import type { Principal } from '../../core/principal.ts';
import type { ApprovalNotice, ApprovalTopic } from '../../core/services.ts';
import { createAuditFeed } from '../../server/audit/feed.ts';
import { type NotificationChannel, Secret, type WebhookChannel } from '../../server/config.ts';
import { createNotifications, type Notifications } from '../../server/notify/part.ts';
import { type ApprovalBench, approvalBench } from '../support/approvals.ts';
import { draftOf, heldAgent, person } from '../support/held.ts';
import { type Received, type Receiver, startReceiver } from '../support/receiver.ts';
import { until } from '../support/until.ts';

let scene: ApprovalBench;
beforeAll(async () => {
  scene = await approvalBench();
  // What is old alarms nobody.
  scene.bench.now = new Date();
});
afterAll(async () => {
  await scene[Symbol.asyncDispose]();
});
beforeEach(async () => {
  await scene.database.query('truncate notice_sent, alert, alert_cursor, alert_denial, alert_issuer');
});

const never = new AbortController().signal;
const problems: string[] = [];

function hook(name: string, receiver: Receiver, more: Partial<WebhookChannel> = {}): WebhookChannel {
  return {
    kind: 'webhook',
    name,
    on: topicsOf(usualTopics),
    repositories: ['**'],
    waitingFor: 0,
    url: new Secret(receiver.url),
    secret: new Secret('a secret that is long enough'),
    ...more,
  };
}

function notifications(channels: readonly NotificationChannel[]): Notifications {
  return createNotifications({
    database: scene.database,
    feed: createAuditFeed(scene.database),
    channels,
    alerts: { repeatedDenials: { count: 3, within: 600 } },
    domain: 'guard.example',
    onProblem: (problem) => problems.push(problem),
    lookEveryMs: 50,
  });
}

let notices = 0;
async function noticeOf(topic: ApprovalTopic, ...draft: Parameters<typeof draftOf>): Promise<ApprovalNotice> {
  const { id, url } = await scene.approvals.request(draftOf(...draft));
  const approval = (await scene.approvals.status(id))!;
  notices += 1;
  return { id: `${id}-${notices}`, topic, approval, url };
}

interface Told {
  readonly type: string;
  readonly title: string;
  readonly data: { readonly approval?: object; readonly alert?: object };
}
const told = ({ received }: Receiver): readonly Told[] =>
  received.map(({ body }: Received) => JSON.parse(body) as Told);

/** Waits until the receiver has got so many. */
const arrive = ({ received }: Receiver, count = 1): Promise<void> =>
  until('what is to be told', () => received.length >= count);

describe('a notice', () => {
  test('holds names and the sentences of the policy, and nothing that anybody wrote', async () => {
    await using receiver = await startReceiver();
    await using made = notifications([hook('ops', receiver)]);
    const words = ['a', 'reason', 'of', 'the', 'agent'].join(' ');
    await made.notifier.notify(await noticeOf('requested', { reason: words }), never);
    const [notice] = told(receiver);
    expect(notice).toMatchObject({
      type: 'approval.requested',
      title: 'forge/acme/api: a push by agent:coder waits for approval',
      data: {
        approval: {
          state: 'waiting',
          repository: 'forge/acme/api',
          actor: 'agent:coder',
          onBehalfOf: ['human:ada'],
          holds: [{ rule: 'hold-main', message: 'A push to main waits for a reviewer.' }],
          requirements: [{ approvers: ['group:reviewers'], count: 1, agreed: 0, isMet: false }],
        },
      },
    });
    expect(receiver.received[0]!.body).not.toContain(words);
    expect(receiver.received[0]!.body).not.toContain('held-');
  });

  test('that one channel has not taken goes to that one again and not to the others', async () => {
    await using good = await startReceiver();
    await using bad = await startReceiver();
    const channels = [hook('good', good), hook('bad', bad)];
    const notice = await noticeOf('requested');
    bad.answer = { status: 500 };
    {
      await using made = notifications(channels);
      await expect(made.notifier.notify(notice, never)).rejects.toEqual(
        new GuardError('notify/failed', "couldn't tell bad: the receiver answered 500"),
      );
    }
    bad.answer = { status: 204 };
    // Another process, later.
    await using made = notifications(channels);
    await made.notifier.notify(notice, never);
    await made.notifier.notify(notice, never);
    expect([good.received.length, bad.received.length]).toEqual([1, 2]);
    expect(new Set(bad.received.map(({ headers }) => headers['webhook-id']))).toEqual(new Set([notice.id]));
  });

  test('goes where its topic, its repository and its age are asked for', async () => {
    await using receivers = new AsyncDisposableStack();
    const start = async (): Promise<Receiver> => receivers.use(await startReceiver());
    const [all, other, late, reminded] = [await start(), await start(), await start(), await start()];
    await using made = notifications([
      hook('all', all, { on: topicsOf(['all']) }),
      hook('other', other, { repositories: ['forge/other/**'] }),
      hook('late', late, { on: topicsOf(['reminder']), waitingFor: 7_200 }),
      hook('reminded', reminded, { on: topicsOf(['reminder']) }),
    ]);
    const notice = await noticeOf('requested');
    await made.notifier.notify(notice, never);
    const reminder = { ...notice, id: `${notice.id}-r`, topic: 'reminder' } as const;
    await made.notifier.notify(reminder, never);
    const created = new Date(Date.now() - 7_300_000);
    const old = { ...reminder, id: `${notice.id}-o`, approval: { ...notice.approval, createdAt: created } };
    await made.notifier.notify(old, never);
    const denied = { ...notice.approval, state: 'denied' } as const;
    await made.notifier.notify({ ...old, id: `${notice.id}-d`, approval: denied }, never);
    const counts = [all, other, late, reminded].map(({ received }) => received.length);
    expect(counts).toEqual([3, 0, 1, 2]);
  });
});

function eventBy(actor: Principal, request: string, details: AuditEvent['details'] = {}): AuditEvent {
  return { action: 'push.decided', request, actor, repository: 'forge/acme/api', details };
}

describe('an alert', () => {
  const agent = heldAgent.principal;
  const named = (name: string): Principal => ({ ...agent, id: `agent:${name}` });

  test('is told of a critical finding that was blocked, of nothing older than the start, and once', async () => {
    await using receiver = await startReceiver();
    const blocked = { verdict: 'deny', criticalFindings: 2 };
    await scene.audit.append(eventBy(named('before'), 'r0', blocked));
    await using made = notifications([hook('ops', receiver)]);
    await made.start();
    await scene.audit.append(eventBy(named('noted'), 'r1', { verdict: 'allow', criticalFindings: 1 }));
    await scene.audit.append(eventBy(named('lesser'), 'r2', { verdict: 'deny', criticalFindings: 0 }));
    await scene.audit.append(eventBy(named('blocked'), 'r3', blocked));
    await arrive(receiver);
    await sleep(300);
    expect(told(receiver)).toEqual([
      expect.objectContaining({
        type: 'alert.critical-finding',
        title: 'Alert: forge/acme/api: what agent:blocked sent was blocked for 2 critical findings',
        data: {
          alert: expect.objectContaining({
            kind: 'critical-finding',
            actor: 'agent:blocked',
            repository: 'forge/acme/api',
            request: 'r3',
            criticalFindings: 2,
          }) as object,
        },
      }),
    ]);
  });

  test('is told of an agent that is refused again and again, by the policy and by people', async () => {
    await using receiver = await startReceiver();
    await using made = notifications([hook('ops', receiver)]);
    await made.start();
    const deny = { verdict: 'deny' };
    await scene.audit.append(eventBy(agent, 'd1', deny));
    await scene.audit.append(eventBy(named('other'), 'd2', deny));
    const notice = await noticeOf('denied');
    const denied = { ...notice, approval: { ...notice.approval, stateAt: new Date() } };
    // A repetition counts once.
    await made.notifier.notify(denied, never);
    await made.notifier.notify(denied, never);
    await sleep(300);
    expect(receiver.received).toEqual([]);
    await scene.audit.append(eventBy(agent, 'd3', deny));
    await scene.audit.append(eventBy(agent, 'd4', deny));
    await arrive(receiver);
    await sleep(200);
    expect(told(receiver).map(({ type, title }) => [type, title])).toEqual([
      ['alert.repeated-denials', 'Alert: forge/acme/api: agent:coder was refused 3 times within 600 seconds'],
    ]);
  });

  test('is told of an agent that comes with a credential of a new issuer', async () => {
    await using receiver = await startReceiver();
    await using made = notifications([hook('ops', receiver)]);
    await made.start();
    await scene.audit.append(eventBy(named('known'), 'i1'));
    await scene.audit.append(eventBy(named('known'), 'i2'));
    await scene.audit.append(eventBy(named('fresh'), 'i3'));
    const elsewhere = { ...named('known'), issuer: 'https://issuer.example' };
    await scene.audit.append(eventBy(elsewhere, 'i4'));
    await scene.audit.append(eventBy(elsewhere, 'i5'));
    await scene.audit.append(eventBy({ ...person('ada').principal, issuer: 'https://x.example' }, 'i6'));
    await arrive(receiver);
    await sleep(300);
    expect(told(receiver)).toEqual([
      expect.objectContaining({
        type: 'alert.new-issuer',
        data: {
          alert: expect.objectContaining({
            actor: 'agent:known',
            issuer: 'https://issuer.example',
            request: 'i4',
          }) as object,
        },
      }),
    ]);
  });

  test('is told of a SIEM that cannot be reached', async () => {
    await using receiver = await startReceiver();
    await using made = notifications([hook('ops', receiver)]);
    await made.start();
    await scene.audit.append({
      action: 'audit.sink-failed',
      request: 's1',
      actor: null,
      repository: null,
      details: { sink: 'siem', problem: 'HTTP 503', behind: 12 },
    });
    await arrive(receiver);
    expect(told(receiver)).toEqual([
      expect.objectContaining({
        type: 'alert.sink-failed',
        title: 'Alert: the audit log could not be sent to siem ("HTTP 503"); it is tried again',
      }),
    ]);
  });

  test('is told of what happened while no guard was there, where that was not long ago', async () => {
    await using receiver = await startReceiver();
    const channels = [hook('ops', receiver)];
    {
      await using made = notifications(channels);
      await made.start();
    }
    const blocked = { verdict: 'deny', criticalFindings: 1 };
    await scene.audit.append(eventBy(named('meanwhile'), 'm1', blocked));
    await using made = notifications(channels);
    await made.start();
    await arrive(receiver);
    await sleep(200);
    expect(told(receiver).map(({ data }) => data.alert)).toEqual([
      expect.objectContaining({ request: 'm1', actor: 'agent:meanwhile' }),
    ]);
  });

  test('waits for a receiver that is down, and two guards tell it once', async () => {
    await using receiver = await startReceiver();
    receiver.answer = { status: 500 };
    const channels = [hook('ops', receiver)];
    await using first = notifications(channels);
    await using second = notifications(channels);
    await Promise.all([first.start(), second.start()]);
    await scene.audit.append(eventBy(named('late'), 'w1', { verdict: 'deny', criticalFindings: 1 }));
    await arrive(receiver);
    receiver.answer = { status: 200 };
    await sleep(300);
    expect(receiver.received.length).toBe(1);
    expect(problems).toContain('an alert could not be told; it is tried again');
    await scene.database.query('update alert set due_at = clock_timestamp()');
    await arrive(receiver, 2);
    await sleep(300);
    expect(receiver.received.length).toBe(2);
    const ids = receiver.received.map(({ headers }) => headers['webhook-id']);
    expect(new Set(ids).size).toBe(1);
    const [row] = await scene.database.query<{ told: boolean }>(
      'select told_at is not null as told from alert',
    );
    expect(row?.told).toBe(true);
  });
});
