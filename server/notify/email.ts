// E-mail by SMTP, as plain text. A repetition has the id of the first try, so that mail programs show it once.
import { GuardError } from '../../core/errors.ts';
import type { EmailChannel } from '../config.ts';
import type { Channel } from './channel.ts';
import type { Message } from './message.ts';

const connectMs = 5_000;
const silenceMs = 10_000;

function bodyOf({ title, facts, sentences, url }: Message): string {
  const width = Math.max(...facts.map(({ label }) => label.length)) + 2;
  return [
    `${title}.`,
    '',
    ...sentences.map((sentence) => `- ${sentence}`),
    ...(sentences.length === 0 ? [] : ['']),
    ...facts.map(({ label, text }) => `${`${label}:`.padEnd(width)}${text}`),
    '',
    ...(url === null ? [] : [url, '']),
    'Sent by Forgeguard. Decide there, not by answering this mail.',
    '',
  ].join('\n');
}

/** A channel that sends one mail to all recipients; `domain` is that of the message ids. */
export function createEmailChannel(settings: EmailChannel, domain: string): Channel {
  const { host, port, tls, login, ca, from, to } = settings;
  // Most guards send no mail, and the library is large.
  const openTransport = async () => {
    const { createTransport } = await import('nodemailer');
    return createTransport({
      host,
      port,
      secure: tls === 'implicit',
      requireTLS: tls === 'starttls',
      ignoreTLS: tls === 'none',
      ...(ca === undefined ? {} : { tls: { ca } }),
      ...(login === undefined ? {} : { auth: { user: login.username, pass: login.password.reveal() } }),
      connectionTimeout: connectMs,
      greetingTimeout: connectMs,
      socketTimeout: silenceMs,
      dnsTimeout: connectMs,
      disableFileAccess: true,
      disableUrlAccess: true,
    });
  };
  let transport: ReturnType<typeof openTransport> | undefined;
  const idOf = (name: string): string => `<${name.replaceAll(/[^A-Za-z0-9._-]/g, '-')}@${domain}>`;
  return {
    send: async (message, signal) => {
      signal.throwIfAborted();
      transport ??= openTransport();
      const sending = (await transport).sendMail({
        from: { name: 'Forgeguard', address: from },
        to: [...to],
        subject: `[Forgeguard] ${message.title}`,
        text: bodyOf(message),
        messageId: idOf(message.id),
        references: idOf(message.thread),
        headers: { 'Auto-Submitted': 'auto-generated', 'X-Forgeguard-Topic': message.topic },
      });
      const sent = await sending.catch((cause: unknown) => {
        throw new GuardError('notify/failed', `the mail server has not taken it (${codeOf(cause)})`, {
          cause,
        });
      });
      if (sent.accepted.length === 0)
        throw new GuardError('notify/failed', 'the mail server has refused all recipients');
    },
    close: async () => (await transport)?.close(),
  };
}

/** The error's code and the server's status; its text may quote the login. */
function codeOf(cause: unknown): string {
  if (!(cause instanceof Error)) return 'no answer';
  const code = 'code' in cause ? String(cause.code) : cause.name;
  return 'responseCode' in cause && typeof cause.responseCode === 'number'
    ? `${code} ${cause.responseCode}`
    : code;
}
