// `notifications` in the configuration: the documented example, and what is refused.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { stringify } from 'yaml';
import { alertKinds, approvalTopics, topicGroups } from '../../core/notice-topics.ts';
import { type Config, loadConfig } from '../../server/config.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const env = {
  GITHUB_TOKEN: 'x',
  SLACK_URL: 'https://hooks.example.org/services/x',
  WEBHOOK_SECRET: 'x'.repeat(24),
  SHORT: 'x',
  PLAIN_URL: 'http://hooks.example.org/x',
  NO_URL: 'hooks',
};

async function load(text: string): Promise<Config> {
  await using directory = await temporaryDirectory('notifications');
  const file = join(directory.path, 'forgeguard.yaml');
  await writeFile(file, text);
  await writeFile(join(directory.path, 'mail-password'), 'a word\n');
  return await loadConfig({ file, env });
}

const page = await readFile(new URL('../../docs/notifications.md', import.meta.url), 'utf8');

test('the documented example is a configuration', async () => {
  const example = /```yaml\n(.*?)```/s.exec(page)?.[1] ?? '';
  const { notifications, alerts, weakenings } = await load(example);
  expect(notifications.map(({ name, kind }) => `${name} ${kind}`)).toEqual([
    'reviewers slack',
    'on-call email',
    'security webhook',
  ]);
  expect(notifications[0]!.on).toEqual(new Set(['requested', 'reminder']));
  expect(notifications[1]).toMatchObject({ tls: 'implicit', port: 465, waitingFor: 28_800 });
  expect(notifications[2]!.on).toEqual(new Set(['glass-broken', 'expired', ...alertKinds]));
  expect(alerts).toEqual({ repeatedDenials: { count: 5, within: 900 } });
  expect(weakenings).toEqual([]);
  expect(JSON.stringify(notifications)).not.toContain('hooks.example.org');
});

test('every topic is documented', () => {
  for (const topic of [...approvalTopics, ...alertKinds, ...topicGroups])
    expect(page).toContain(`\`${topic}\``);
});

const mail = { kind: 'email', name: 'mail', from: 'a@example.org', to: ['b@example.org'] };
const hook = { kind: 'webhook', name: 'hook', url: 'https://x.example/', secret: { env: 'WEBHOOK_SECRET' } };

test.each([
  [
    'an unknown topic',
    { ...hook, on: ['request'] },
    /expected one of requested, .*\(did you mean requested\?\)/,
  ],
  ['an unknown kind', { kind: 'pager', name: 'x' }, /expected `kind` to be one of webhook, slack, email/],
  ['a secret in the open', { ...hook, secret: 'whsec_x' }, /secrets are never written here/],
  ['a short secret', { ...hook, secret: { env: 'SHORT' } }, /expected `whsec_` and 24 bytes or more/],
  ['a secret that is not set', { ...hook, secret: { env: 'NOT_SET' } }, /NOT_SET is not set/],
  ['a URL with a password', { ...hook, url: 'https://a:b@x.example/' }, /without user name and fragment/],
  ['plain http', { ...hook, url: 'http://x.example/' }, /http to another machine is refused/],
  ['plain http in a secret', { ...hook, url: { env: 'PLAIN_URL' } }, /http to another machine is refused/],
  ['a secret that is no URL', { ...hook, url: { env: 'NO_URL' } }, /the secret is not an http or https URL/],
  ['Slack in the open', { kind: 'slack', name: 'x', url: 'https://x.example/' }, /secrets are never written/],
  ['a server that is none', { ...mail, server: 'mail.example.org' }, /smtps:\/\/mail\.example\.org/],
  ['a user without a password', { ...mail, server: 'smtps://x', username: 'u' }, /belong together/],
  ['an address that is none', { ...mail, server: 'smtps://x', to: ['b'] }, /an e-mail address/],
  [
    'a key of another kind',
    { ...mail, server: 'smtps://x', secret: { env: 'SHORT' } },
    /unknown key `secret`/,
  ],
])('%s is refused', async (_title, channel, message) => {
  await expect(load(stringify({ notifications: [channel] }))).rejects.toThrow(message);
});

test('a name twice is refused', async () => {
  await expect(load(stringify({ notifications: [hook, hook] }))).rejects.toThrow(
    /the name hook is used twice/,
  );
});

test('what is sent in the clear is a weakening; a relay on this machine is none', async () => {
  const { notifications, weakenings } = await load(
    stringify({
      notifications: [
        { ...hook, url: 'http://x.example/?a=b', dangerouslyAllowPlainHttp: true },
        { ...mail, server: 'smtp://mail.example.org', dangerouslyAllowPlainSmtp: true },
        { ...mail, name: 'relay', server: 'smtp://localhost:25' },
        { ...mail, name: 'safe', server: 'smtp://mail.example.org' },
      ],
    }),
  );
  expect(notifications.map((channel) => (channel.kind === 'email' ? channel.tls : ''))).toEqual([
    '',
    'none',
    'none',
    'starttls',
  ]);
  expect(weakenings).toEqual([
    'the notification hook is sent in the clear: it can be read on the network',
    'the notification mail is sent in the clear: it can be read on the network',
  ]);
});
