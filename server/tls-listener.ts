// The guard's own TLS: certificate, key, authorities and revocation list of clients from files of the operator, read again
// where they change. What clients present is verified by OpenSSL against these authorities and nothing else.
import { readFile, stat } from 'node:fs/promises';
import { createServer, type Server } from 'node:https';
import type { RequestListener } from 'node:http';
import { setInterval } from 'node:timers';
import { createSecureContext, type SecureContextOptions, TLSSocket } from 'node:tls';
import { GuardError } from '../core/errors.ts';

export interface TlsListenSettings {
  /** Absolute names. */
  readonly certFile: string;
  readonly keyFile: string;
  /** The authorities of clients' certificates; without it no client is asked for one. */
  readonly clientCaFile: string | undefined;
  /** Revocation lists of all these authorities. */
  readonly clientCrlFile: string | undefined;
  /** `required`: without a good certificate there is no connection. */
  readonly clientCertificates: 'optional' | 'required';
}

export interface TlsListener {
  /** Makes a server for Fastify. */
  readonly createServer: (handler: RequestListener) => Server;
  /** Looks at the files now; where they have changed and are good, new connections use them. */
  readonly reload: () => Promise<void>;
}

export interface TlsListenerOptions {
  readonly settings: TlsListenSettings;
  /** Told of files that cannot be used; the ones before stay in force. */
  readonly onProblem: (error: Error) => void;
  /** Told of a connection that ended before a request because of the certificate that the client showed. */
  readonly onRefused: () => void;
}

const lookEveryMs = 5_000;
const oldestVersion = 'TLSv1.2';

/** Reads the files. Rejects with `config/unreadable` or `config/invalid`. */
export async function createTlsListener({
  settings,
  onProblem,
  onRefused,
}: TlsListenerOptions): Promise<TlsListener> {
  let seen = await versionOf(settings);
  let context = await readContext(settings);
  const servers = new Set<Server>();

  async function reload(): Promise<void> {
    const version = await versionOf(settings);
    if (version === seen) return;
    const fresh = await readContext(settings);
    [seen, context] = [version, fresh];
    for (const server of servers) server.setSecureContext(fresh);
  }

  return {
    reload,
    createServer: (handler) => {
      const asksClients = settings.clientCaFile !== undefined;
      const server = createServer(
        {
          ...context,
          requestCert: asksClients,
          rejectUnauthorized: asksClients && settings.clientCertificates === 'required',
        },
        handler,
      );
      servers.add(server);
      server.on('clientError', (error, socket) => {
        if (socket instanceof TLSSocket && socket.bytesRead === 0 && isOfCertificate(error, socket))
          onRefused();
      });
      const timer = setInterval(() => void reload().catch(onProblem), lookEveryMs);
      timer.unref();
      server.once('close', () => {
        clearInterval(timer);
        servers.delete(server);
      });
      return server;
    },
  };
}

/** True where the connection ended for the certificate that the client showed, or for the proof of its key. */
function isOfCertificate(error: NodeJS.ErrnoException, socket: TLSSocket): boolean {
  const { authorizationError }: { readonly authorizationError: unknown } = socket;
  // Null where nothing was said against it. OpenSSL may end the handshake over a bad signature before Node looks.
  return typeof authorizationError === 'string' || (error.code ?? '').endsWith('_SIGNATURE_FAILURE');
}

function filesOf(settings: TlsListenSettings): readonly string[] {
  const { certFile, keyFile, clientCaFile, clientCrlFile } = settings;
  return [certFile, keyFile, clientCaFile, clientCrlFile].filter((file) => file !== undefined);
}

/** Changes whenever one of the files does. */
async function versionOf(settings: TlsListenSettings): Promise<string> {
  const versions = filesOf(settings).map(async (file) => {
    const { mtimeMs, size, ino } = await stat(file).catch((cause: unknown) => {
      throw unreadable(file, cause);
    });
    return `${mtimeMs} ${size} ${ino}`;
  });
  return (await Promise.all(versions)).join('\n');
}

async function readContext(settings: TlsListenSettings): Promise<SecureContextOptions> {
  const read = async (file: string): Promise<Buffer> =>
    readFile(file).catch((cause: unknown) => {
      throw unreadable(file, cause);
    });
  const { certFile, keyFile, clientCaFile, clientCrlFile } = settings;
  const context: SecureContextOptions = {
    cert: await read(certFile),
    key: await read(keyFile),
    minVersion: oldestVersion,
    ...(clientCaFile === undefined ? {} : { ca: await read(clientCaFile) }),
    ...(clientCrlFile === undefined ? {} : { crl: await read(clientCrlFile) }),
  };
  try {
    createSecureContext(context);
  } catch (cause) {
    // OpenSSL's words may quote the files.
    throw new GuardError(
      'config/invalid',
      "listen.tls: certificate, key, authorities and revocation list don't fit together or are not PEM",
      { cause },
    );
  }
  return context;
}

function unreadable(file: string, cause: unknown): GuardError {
  return new GuardError('config/unreadable', `couldn't read ${file} of listen.tls`, { cause });
}
