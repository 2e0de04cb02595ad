// The channels against real receivers: what is sent, how it is signed, and what happens where it is not taken.
import { randomBytes } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { describe, expect, test } from 'vitest';
import { GuardError } from '../../core/errors.ts';
import { topicsOf, usualTopics } from '../../core/notice-topics.ts';
import { type EmailChannel, Secret, type SlackChannel, type WebhookChannel } from '../../server/config.ts';
import { openChannel } from '../../server/notify/open-channel.ts';
import type { Message } from '../../server/notify/message.ts';
import { makeCertificates } from '../support/certificates.ts';
import { startMailServer } from '../support/mail-server.ts';
import { startReceiver } from '../support/receiver.ts';

const signal = AbortSignal.timeout(60_000);
const common = { name: 'ops', on: topicsOf(usualTopics), repositories: ['**'], waitingFor: 0 };
const key = `whsec_${randomBytes(32).toString('base64')}`;

const message: Message = {
  id: 'ap_x-7',
  topic: 'requested',
  thread: 'ap_x',
  title: 'forge/acme/api: a push by agent:coder waits for approval',
  facts: [
    { label: 'Repository', text: 'forge/acme/api' },
    { label: 'Ref', text: 'refs/heads/<!channel>&main' },
  ],
  sentences: ['A push to main waits for a reviewer.'],
  url: 'https://guard.example/ui/approvals/ap_x',
  repository: 'forge/acme/api',
  waitsSince: new Date('2026-01-02T03:04:05.000Z'),
  at: new Date('2026-01-02T03:04:05.000Z'),
  data: { approval: { id: 'ap_x' } },
};

async function failure(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'it was sent',
    (thrown: unknown) =>
      thrown instanceof GuardError ? `${thrown.code}: ${thrown.message}` : String(thrown),
  );
}

function webhookTo(url: string, more: Partial<WebhookChannel> = {}): WebhookChannel {
  return { kind: 'webhook', ...common, url: new Secret(url), secret: new Secret(key), ...more };
}

describe('a webhook', () => {
  test('is signed so that a stranger’s library verifies it, with the same id at each attempt', async () => {
    await using receiver = await startReceiver();
    const channel = openChannel(webhookTo(receiver.url), 'guard.example');
    await channel.send(message, signal);
    await channel.send(message, signal);
    const [first, second] = receiver.received;
    expect(receiver.received.length).toBe(2);
    expect(first!.headers['webhook-id']).toBe('ap_x-7');
    expect(second!.headers['webhook-id']).toBe('ap_x-7');
    const verifier = new Webhook(key);
    const headers = first!.headers as Record<string, string>;
    expect(verifier.verify(first!.body, headers)).toEqual({
      type: 'approval.requested',
      timestamp: '2026-01-02T03:04:05.000Z',
      title: message.title,
      data: { approval: { id: 'ap_x' } },
    });
    expect(() => verifier.verify(first!.body.replace('ap_x', 'ap_y'), headers)).toThrow(/signature/);
    const other = new Webhook(randomBytes(32).toString('base64'));
    expect(() => other.verify(first!.body, headers)).toThrow(/signature/);
    expect(first!.headers['content-type']).toMatch(/^application\/json/);
    await channel.close();
  });

  test('is signed with a secret that is plain text as well', async () => {
    await using receiver = await startReceiver();
    const plain = 'correct horse battery staple';
    const channel = openChannel(webhookTo(receiver.url, { secret: new Secret(plain) }), 'guard.example');
    await channel.send(message, signal);
    const [sent] = receiver.received;
    const verifier = new Webhook(Buffer.from(plain).toString('base64'));
    expect(verifier.verify(sent!.body, sent!.headers as Record<string, string>)).toMatchObject({
      type: 'approval.requested',
    });
    await channel.close();
  });

  test('that is not taken says how, without the URL; a redirect is not followed', async () => {
    await using elsewhere = await startReceiver();
    await using receiver = await startReceiver();
    const channel = openChannel(webhookTo(`${receiver.url}?token=abc`), 'guard.example');
    receiver.answer = { status: 503, body: 'x'.repeat(1_000_000) };
    expect(await failure(channel.send(message, signal))).toBe('notify/failed: the receiver answered 503');
    receiver.answer = { status: 307, headers: { location: elsewhere.url } };
    expect(await failure(channel.send(message, signal))).toBe('notify/failed: the receiver answered 307');
    expect(elsewhere.received).toEqual([]);
    expect(receiver.received.length).toBe(2);
    expect(receiver.received[0]!.path).toBe('/hook?token=abc');
    await channel.close();
  });

  test('to nobody, and to somebody who does not answer, fails in time', async () => {
    await using receiver = await startReceiver();
    const gone = await startReceiver();
    await gone[Symbol.asyncDispose]();
    const toNobody = openChannel(webhookTo(gone.url), 'guard.example');
    expect(await failure(toNobody.send(message, signal))).toBe(
      'notify/failed: the receiver could not be reached (ECONNREFUSED)',
    );
    receiver.isSilent = true;
    const channel = openChannel(webhookTo(receiver.url), 'guard.example');
    expect(await failure(channel.send(message, AbortSignal.timeout(300)))).toMatch(
      /^notify\/failed: the receiver could not be reached/,
    );
    await channel.close();
    await toNobody.close();
  });

  test('over TLS trusts the named authority and no other', async () => {
    const { ca, cert, key: tlsKey } = makeCertificates();
    await using receiver = await startReceiver({ cert, key: tlsKey });
    const trusting = openChannel(webhookTo(receiver.url, { ca }), 'guard.example');
    await trusting.send(message, signal);
    expect(receiver.received.length).toBe(1);
    const doubting = openChannel(webhookTo(receiver.url), 'guard.example');
    expect(await failure(doubting.send(message, signal))).toMatch(/could not be reached \([A-Z_]+\)$/);
    expect(receiver.received.length).toBe(1);
    await Promise.all([trusting.close(), doubting.close()]);
  });
});

test('Slack gets blocks in which names are plain text, and a link', async () => {
  await using receiver = await startReceiver();
  const settings: SlackChannel = { kind: 'slack', ...common, url: new Secret(receiver.url) };
  const channel = openChannel(settings, 'guard.example');
  await channel.send({ ...message, title: 'a <b> & c' }, signal);
  const body = JSON.parse(receiver.received[0]!.body) as {
    text: string;
    blocks: readonly { type: string; fields?: readonly object[] }[];
  };
  expect(body.text).toBe('a &lt;b&gt; &amp; c');
  expect(body.blocks.map(({ type }) => type)).toEqual(['header', 'section', 'section', 'actions']);
  expect(body.blocks[2]!.fields).toContainEqual({
    type: 'plain_text',
    text: 'Ref: refs/heads/<!channel>&main',
    emoji: false,
  });
  expect(JSON.stringify(body)).not.toContain('mrkdwn');
  expect(body.blocks[3]).toMatchObject({ elements: [{ type: 'button', url: message.url }] });
  await channel.send({ ...message, title: 'x'.repeat(500), url: null }, signal);
  const long = JSON.parse(receiver.received[1]!.body) as { blocks: readonly { text?: { text: string } }[] };
  expect(long.blocks[0]!.text!.text.length).toBe(150);
  await channel.close();
});

describe('e-mail', () => {
  const mailTo = (port: number, more: Partial<EmailChannel> = {}): EmailChannel => ({
    kind: 'email',
    ...common,
    host: '127.0.0.1',
    port,
    tls: 'none',
    login: undefined,
    from: 'guard@example.org',
    to: ['reviewers@example.org', 'night@example.org'],
    ...more,
  });

  test('arrives as text with a link, an id of its own and the thread of its request', async () => {
    await using server = await startMailServer();
    const channel = openChannel(mailTo(server.port), 'guard.example');
    await channel.send(message, signal);
    await channel.send(message, signal);
    const [mail, again] = server.mails;
    expect(mail).toMatchObject({
      from: 'guard@example.org',
      to: ['reviewers@example.org', 'night@example.org'],
      isSecure: false,
    });
    expect(mail!.raw).toMatch(/^Message-ID: <ap_x-7@guard\.example>\r$/m);
    expect(again!.raw).toMatch(/^Message-ID: <ap_x-7@guard\.example>\r$/m);
    expect(mail!.raw).toMatch(/^References: <ap_x@guard\.example>\r$/m);
    expect(mail!.raw).toMatch(/^Auto-Submitted: auto-generated\r$/m);
    const unfolded = mail!.raw.replaceAll(/\r\n[ \t]/g, ' ');
    expect(unfolded).toMatch(
      /^Subject: \[Forgeguard\] forge\/acme\/api: a push by agent:coder waits for approval\r$/m,
    );
    expect(mail!.raw).toContain('- A push to main waits for a reviewer.\r\n');
    expect(mail!.raw).toContain('https://guard.example/ui/approvals/ap_x\r\n');
    await channel.close();
  });

  test('cannot be given further headers by a name', async () => {
    await using server = await startMailServer();
    const channel = openChannel(mailTo(server.port), 'guard.example');
    await channel.send({ ...message, title: 'one\r\nBcc: eve@example.org\r\n\r\nbody' }, signal);
    expect(server.mails[0]!.to).toEqual(['reviewers@example.org', 'night@example.org']);
    const [head] = server.mails[0]!.raw.split('\r\n\r\n');
    expect(head).not.toMatch(/^Bcc:/m);
    await channel.close();
  });

  test('goes over TLS with a login, by STARTTLS and from the first byte', async () => {
    const { ca, cert, key: tlsKey } = makeCertificates();
    const login = { username: 'guard', password: 'a word of the mail server' };
    for (const tls of ['starttls', 'implicit'] as const) {
      await using server = await startMailServer({
        tls: { cert, key: tlsKey },
        isImplicitTls: tls === 'implicit',
        login,
      });
      const settings = { tls, ca, login: { username: 'guard', password: new Secret(login.password) } };
      const channel = openChannel(mailTo(server.port, settings), 'guard.example');
      await channel.send(message, signal);
      expect(server.mails[0]).toMatchObject({ isSecure: true, user: 'guard' });
      const doubting = openChannel(mailTo(server.port, { tls }), 'guard.example');
      expect(await failure(doubting.send(message, signal))).toMatch(/^notify\/failed: the mail server/);
      const wrong = { ...settings, login: { username: 'guard', password: new Secret('nonsense-it-is') } };
      const stranger = openChannel(mailTo(server.port, wrong), 'guard.example');
      const said = await failure(stranger.send(message, signal));
      expect(said).toMatch(/^notify\/failed: the mail server has not taken it \(EAUTH 535\)$/);
      expect(server.mails.length).toBe(1);
      await Promise.all([channel.close(), doubting.close(), stranger.close()]);
    }
  });

  test('is not sent in the clear to a server without TLS, where it is demanded', async () => {
    await using server = await startMailServer();
    const channel = openChannel(mailTo(server.port, { tls: 'starttls' }), 'guard.example');
    expect(await failure(channel.send(message, signal))).toMatch(/^notify\/failed: the mail server/);
    expect(server.mails).toEqual([]);
    await channel.close();
  });

  test('that is refused, or that nobody takes, fails', async () => {
    await using server = await startMailServer();
    server.takesMail = false;
    const channel = openChannel(mailTo(server.port), 'guard.example');
    expect(await failure(channel.send(message, signal))).toMatch(/^notify\/failed: .*450/);
    const gone = await startMailServer();
    await gone[Symbol.asyncDispose]();
    const toNobody = openChannel(mailTo(gone.port), 'guard.example');
    expect(await failure(toNobody.send(message, signal))).toMatch(/^notify\/failed: /);
    await Promise.all([channel.close(), toNobody.close()]);
  });
});
