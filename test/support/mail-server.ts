// A real SMTP server on the loopback: keeps the mails that arrive.
import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';
import { expectNoUpstreamSecret } from './upstream-secret.ts';

export interface Mail {
  readonly from: string;
  readonly to: readonly string[];
  readonly raw: string;
  /** True where it came over TLS. */
  readonly isSecure: boolean;
  readonly user: string | undefined;
}

export interface MailServer extends AsyncDisposable {
  readonly port: number;
  readonly mails: readonly Mail[];
  /** False: refuses all recipients, with 450. */
  takesMail: boolean;
}

export interface MailServerOptions {
  readonly tls?: { readonly cert: string; readonly key: string };
  /** True: TLS from the first byte. */
  readonly isImplicitTls?: boolean;
  readonly login?: { readonly username: string; readonly password: string };
}

export async function startMailServer(options: MailServerOptions = {}): Promise<MailServer> {
  const mails: Mail[] = [];
  const { tls, login, isImplicitTls = false } = options;
  const made: MailServer = {
    port: 0,
    mails,
    takesMail: true,
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  };
  const server = new SMTPServer({
    secure: isImplicitTls,
    ...tls,
    disabledCommands: [...(tls === undefined ? ['STARTTLS'] : []), ...(login === undefined ? ['AUTH'] : [])],
    authOptional: login === undefined,
    onAuth: (auth, _session, done) =>
      auth.username === login?.username && auth.password === login?.password
        ? done(null, { user: auth.username })
        : done(new Error('the login is wrong')),
    onRcptTo: (_address, _session, done) =>
      made.takesMail ? done() : done(Object.assign(new Error('come back later'), { responseCode: 450 })),
    onData: (stream, session, done) => {
      const parts: Buffer[] = [];
      stream.on('data', (part: Buffer) => parts.push(part));
      stream.on('end', () => {
        const { mailFrom, rcptTo } = session.envelope;
        const raw = Buffer.concat(parts).toString('utf8');
        expectNoUpstreamSecret('a mail', raw);
        mails.push({
          from: mailFrom === false || mailFrom === null || mailFrom === undefined ? '' : mailFrom.address,
          to: rcptTo.map(({ address }) => address),
          raw,
          isSecure: session.secure,
          user: typeof session.user === 'string' ? session.user : undefined,
        });
        done();
      });
    },
  });
  server.on('error', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  const { port } = server.server.address() as AddressInfo;
  return Object.assign(made, { port });
}
