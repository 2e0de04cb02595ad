// What people are told while a guard runs: of a push that waits, of what becomes of it, and of alerts; by a signed
// webhook, by e-mail and by Slack, at once, and never with anything that an agent wrote.
import { setTimeout as sleep } from 'node:timers/promises';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { WorkTree } from '../support/client.ts';
import { type MailServer, startMailServer } from '../support/mail-server.ts';
import { phiSample } from '../support/phi.ts';
import { cloneSeeded, type PushForge, type PushRepository, startPushForge } from '../support/push-forge.ts';
import { type Receiver, startReceiver } from '../support/receiver.ts';
import { readRefusal } from '../support/refusal.ts';
import { createReviewer, type Reviewer } from '../support/reviewers.ts';

const secret = ['a', 'secret', 'of', 'the', 'receiver'].join('-');

let hook: Receiver;
let slack: Receiver;
let mail: MailServer;
let forge: PushForge;
let ada: Reviewer;
let night: Reviewer;

beforeAll(async () => {
  hook = await startReceiver();
  slack = await startReceiver();
  mail = await startMailServer();
  forge = await startPushForge({
    config: {
      notifications: [
        { name: 'hook', kind: 'webhook', url: hook.url, secret: { env: 'HOOK_SECRET' }, on: ['all'] },
        { name: 'chat', kind: 'slack', url: { env: 'SLACK_URL' }, on: ['requested'] },
        {
          name: 'mail',
          kind: 'email',
          server: `smtp://127.0.0.1:${mail.port}`,
          from: 'guard@example.org',
          to: ['reviewers@example.org'],
        },
      ],
      alerts: { repeatedDenials: { count: 2, within: '10m' } },
    },
    env: { HOOK_SECRET: secret, SLACK_URL: slack.url },
  });
  ada = await createReviewer(forge.database, forge.guard.url, 'ada@example.org');
  night = await createReviewer(forge.database, forge.guard.url, 'night@example.org', {
    verbs: ['break-glass'],
    groups: [],
  });
});
afterAll(async () => {
  await forge?.[Symbol.asyncDispose]();
  await Promise.all([hook, slack, mail].map((server) => server?.[Symbol.asyncDispose]()));
});

interface Told {
  readonly type: string;
  readonly title: string;
  readonly data: {
    readonly approval?: { readonly id: string; readonly url: string; readonly repository: string };
    readonly alert?: { readonly kind: string; readonly actor: string };
  };
}

/** Everything that the webhook was told, each verified. */
function told(): readonly Told[] {
  const verifier = new Webhook(Buffer.from(secret).toString('base64'));
  return hook.received.map(
    ({ body, headers }) => verifier.verify(body, headers as Record<string, string>) as Told,
  );
}

async function toldOf(type: string, id?: string): Promise<Told> {
  for (let tries = 0; tries < 300; tries += 1) {
    const found = told().find(
      (notice) => notice.type === type && (id === undefined || notice.data.approval?.id === id),
    );
    if (found !== undefined) return found;
    await sleep(50);
  }
  throw new Error(
    `not told of ${type}; told of ${told()
      .map((notice) => notice.type)
      .join(', ')}`,
  );
}

const words = 'please hurry because everybody waits';

async function hold(): Promise<{
  readonly id: string;
  readonly repo: PushRepository;
  readonly work: WorkTree;
}> {
  const { repo, work } = await cloneSeeded(forge, { 'README.md': 'one\n' });
  await work.commit('A message of the agent', { 'named-by-the-agent.txt': 'two\n' });
  const options = ['forgeguard.format=json', `forgeguard.reason=${words}`];
  const pushed = await work.push('HEAD:refs/heads/main', { options });
  expect(pushed.code).toBe(1);
  return { repo, work, id: readRefusal(pushed.stderr).approval?.id ?? '' };
}

describe('a push that waits', () => {
  test('is told to all who asked for it, with a link, and so is what becomes of it', async () => {
    const { id, repo } = await hold();
    const { title, data } = await toldOf('approval.requested', id);
    expect(title).toBe(`${repo.id}: a push by agent:worker waits for approval`);
    expect(data.approval).toMatchObject({
      state: 'waiting',
      url: `${forge.guard.url}/ui/approvals/${id}`,
      repository: repo.id,
      refUpdates: [{ ref: 'refs/heads/main' }],
      actor: 'agent:worker',
      onBehalfOf: ['human:operator'],
      holds: [{ rule: 'agent-protected-branch' }],
    });
    expect((await fetch(data.approval!.url)).status).toBe(200);
    await expect.poll(() => [slack.received.length, mail.mails.length]).toEqual([1, 1]);
    // Quoted-printable breaks long lines softly.
    const text = mail.mails[0]!.raw.replaceAll('=\r\n', '');
    expect(text).toContain(`${forge.guard.url}/ui/approvals/${id}`);

    await ada.decide(id, 'approve', { reason: 'fine by me, said the reviewer' });
    await ada.until(id, 'applied');
    for (const state of ['approved', 'applying', 'applied']) await toldOf(`approval.${state}`, id);
    const everything = JSON.stringify([hook.received, slack.received, mail.mails]);
    for (const written of [words, 'A message of', 'named-by-the-agent', 'fine by me']) {
      expect(everything).not.toContain(written);
    }
    // Told once each.
    const types = told().flatMap(({ type, data: { approval } }) => (approval?.id === id ? [type] : []));
    expect(types.toSorted()).toEqual([
      'approval.applied',
      'approval.applying',
      'approval.approved',
      'approval.requested',
    ]);
  });

  test('alerts when the glass is broken for it, and when it runs out', async () => {
    const { id } = await hold();
    const reason = 'the site is down and nobody else is awake';
    expect(await night.decide(id, 'break-glass', { reason })).toMatchObject({ status: 200 });
    const broken = await toldOf('approval.glass-broken', id);
    expect(broken.data.approval).toMatchObject({
      breakGlass: { person: 'human:night@example.org', isReviewed: false },
    });
    expect(await ada.decide(id, 'close-review', { comment: 'it was right' })).toMatchObject({ status: 200 });
    await toldOf('approval.glass-reviewed', id);

    const late = await hold();
    await forge.database.query(
      `update approval set created_at = clock_timestamp() - interval '1 day',
         expires_at = clock_timestamp() - interval '1 second' where id = $1`,
      [late.id],
    );
    expect((await ada.see(late.id)).state).toBe('expired');
    await toldOf('approval.expired', late.id);
    expect(JSON.stringify(hook.received)).not.toContain(reason);
  });
});

test('a blocked critical finding, and an agent that is refused again and again, are alerts without values', async () => {
  const { repo, work } = await cloneSeeded(forge, { 'README.md': 'one\n' });
  const sample = phiSample('hl7v2');
  await work.commit('Add a fixture', { [sample.path]: sample.text });
  for (const branch of ['agent/one', 'agent/two'])
    expect((await work.push(`HEAD:refs/heads/${branch}`)).code).toBe(1);
  const critical = await toldOf('alert.critical-finding');
  expect(critical.title).toMatch(
    /^Alert: forge\/.*: what agent:worker sent was blocked for \d+ critical findings?$/,
  );
  expect(critical.data.alert).toMatchObject({ repository: repo.id, actor: 'agent:worker' });
  const repeated = await toldOf('alert.repeated-denials');
  expect(repeated.data.alert).toMatchObject({ kind: 'repeated-denials', actor: 'agent:worker', denials: 2 });
  const everything = JSON.stringify([hook.received, slack.received, mail.mails]);
  expect(everything).not.toContain(sample.path);
  for (const { text } of sample.values) expect(everything).not.toContain(text);
  expect(forge.guard.logs()).not.toContain(secret);
  expect(await forge.guard.command(['audit', 'verify'])).toMatchObject({ code: 0 });
});
