// The schema of `notifications` and `alerts` in `forgeguard.yaml`.
import { z } from 'zod';
import { parseDuration } from '../core/duration.ts';
import { alertKinds, approvalTopics, topicGroups, usualTopics } from '../core/notice-topics.ts';
import { closed, duration, glob } from '../core/schema.ts';
import { isPlainRemote } from './address.ts';
import { fileName, secretRef } from './config-values.ts';
import { parseHookUrl, parseMailServer } from './notification-address.ts';

const topic = z.enum([...approvalTopics, ...alertKinds, ...topicGroups]);

const common = {
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'a name is written with a-z, 0-9 and "-", at most 63 characters')
    .describe('unique name; what was sent is remembered under it'),
  on: z
    .array(topic)
    .min(1)
    .default([...usualTopics])
    .describe('of what it is told'),
  repositories: z
    .array(glob)
    .min(1)
    .default(['**'])
    .describe('globs over the repositories of which it is told'),
  waitingFor: duration({ least: '0s', most: '30d' })
    .default(0)
    .describe('how long a request must have waited before it is told here; for escalation'),
  caFile: fileName.optional().describe('PEM file with the certificate authorities of the receiver'),
};

const plainHttp = z
  .boolean()
  .default(false)
  .describe('allows http to another machine: notices can be read on the network');

const hookUrl = z.string().superRefine((text, context) => {
  if (parseHookUrl(text) === undefined)
    context.addIssue({
      code: 'custom',
      message: 'expected an http or https URL without user name and fragment',
    });
});

const webhook = closed({
  kind: z.literal('webhook').describe('a signed POST'),
  ...common,
  url: z
    .union([hookUrl, secretRef], { error: 'expected a URL, {env: NAME} or {file: PATH}' })
    .describe('where notices are posted to'),
  secret: secretRef.describe('what they are signed with: `whsec_` and base64, or 24 characters or more'),
  dangerouslyAllowPlainHttp: plainHttp,
});

const slack = closed({
  kind: z.literal('slack').describe('an incoming webhook of Slack'),
  ...common,
  url: secretRef.describe('URL of the incoming webhook, which is a secret'),
  dangerouslyAllowPlainHttp: plainHttp,
});

const address = z
  .string()
  .max(320)
  .regex(/^[^\s<>@,;"]+@[^\s<>@,;"]+$/, 'expected an e-mail address such as guard@example.org');

const email = closed({
  kind: z.literal('email').describe('e-mail by SMTP'),
  ...common,
  server: z
    .string()
    .transform((text, context) => {
      const server = parseMailServer(text);
      if (server !== undefined) return server;
      context.addIssue({
        code: 'custom',
        message: 'expected a URL such as smtps://mail.example.org or smtp://mail.example.org:587',
      });
      return z.NEVER;
    })
    .describe('mail server: `smtps://HOST[:465]`, or `smtp://HOST[:587]`, where STARTTLS is demanded'),
  username: z.string().min(1).max(320).optional().describe('user name for the mail server'),
  password: secretRef.optional().describe('password for the mail server'),
  from: address.describe('sender'),
  to: z.array(address).min(1).max(100).describe('recipients'),
  dangerouslyAllowPlainSmtp: z
    .boolean()
    .default(false)
    .describe('sends by smtp without TLS: notices, and the password, can be read on the network'),
});

/** One receiver. */
export const notificationSchema = z
  .discriminatedUnion('kind', [webhook, slack, email], {
    error: 'expected `kind` to be one of webhook, slack, email',
  })
  .superRefine((channel, context) => {
    const issue = (path: string, message: string): void =>
      context.addIssue({ code: 'custom', path: [path], message });
    if (channel.kind === 'email') {
      if ((channel.username === undefined) !== (channel.password === undefined))
        issue('username', '`username` and `password` belong together');
      return;
    }
    const url = typeof channel.url === 'string' ? parseHookUrl(channel.url) : undefined;
    if (url !== undefined && isPlainRemote(url) && !channel.dangerouslyAllowPlainHttp)
      issue('url', 'http to another machine is refused: use https, or set `dangerouslyAllowPlainHttp: true`');
  });
export type NotificationDocument = z.output<typeof notificationSchema>;

/** When an alert is due. */
export const alertsSchema = closed({
  repeatedDenials: closed({
    count: z.int().min(2).max(1_000).default(5).describe('so many refusals of one agent are an alert'),
    within: duration({ least: '1m', most: '1d' })
      .default(parseDuration('15m') ?? 0)
      .describe('within this time'),
  }).prefault({}),
});
