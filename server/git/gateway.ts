// How Git children read from an upstream: through a server on the loopback of this process. It lets a child read the one
// repository that it was started for. So no child, not even one that reads hostile packs, is given the upstream's
// credential or certificate authorities; redirects are followed, and credentials renewed, where all other requests are.
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { asGuardError } from '../../core/errors.ts';
import { readClientBody } from './client-body.ts';
import { advertiseFetch, callFetch, type FetchAnswer, type FetchCall } from './fetch.ts';
import type { Repository } from './repository.ts';
import type { Upstream } from './upstream.ts';

/** Where a Git child finds a repository. */
export interface GitRemote {
  readonly url: string;
  /** Whole header lines. They open this one repository for reading, here and nowhere else. */
  readonly headers: readonly string[];
}

export interface Gateway extends AsyncDisposable {
  /** `authorization`: the client's own, sent on in credential mode `passthrough` only. */
  remoteFor(repository: Repository, authorization: string | undefined): GitRemote;
}

export interface GatewayOptions {
  readonly upstreamOf: (repository: Repository) => Upstream;
  /** Finds a repository by `<forge>/<path>`; throws where there is none. */
  readonly repositoryOf: (name: string) => Repository;
}

const keyHeader = 'x-forgeguard-remote';
const silenceMs = 60_000;

/** Listens on a port of the loopback that the system chooses. */
export async function openGateway(options: GatewayOptions): Promise<Gateway> {
  const secret = randomBytes(32);
  // Only digests are compared, and of the same length.
  const keyOf = (name: string): Buffer => createHmac('sha256', secret).update(name).digest();

  async function answer(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const asked = readAsked(message);
    const given = Buffer.from(String(message.headers[keyHeader] ?? ''), 'base64url');
    const key = keyOf(asked?.name ?? '');
    if (asked === undefined || given.length !== key.length || !timingSafeEqual(given, key)) {
      message.resume();
      response.writeHead(403).end();
      return;
    }
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    const repository = options.repositoryOf(asked.name);
    const call: FetchCall = {
      upstream: options.upstreamOf(repository),
      repository,
      authorization: message.headers.authorization,
      protocol: message.headers['git-protocol']?.toString(),
      signal: gone.signal,
    };
    const { headers, body } = await forward(call, asked.advertises, message);
    response.writeHead(200, headers);
    await pipeline(body, response);
  }

  const server = createServer((message, response) => {
    answer(message, response).catch((thrown: unknown) => {
      if (response.headersSent) return void response.destroy();
      const { status, code } = asGuardError(thrown, 'internal', 'the gateway failed');
      // 401 would have the child look for a credential of its own.
      response.writeHead(status === 401 ? 502 : status, {
        'content-type': 'text/plain',
        connection: 'close',
      });
      response.end(`${code}\n`);
    });
  });
  server.requestTimeout = 0;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;

  return {
    remoteFor(repository, authorization) {
      const name = `${repository.forge.name}/${repository.path}`;
      const isPassedOn = repository.forge.credential.mode === 'passthrough' && authorization !== undefined;
      return {
        url: `http://127.0.0.1:${port}/${name}.git`,
        headers: [
          `${keyHeader}: ${keyOf(name).toString('base64url')}`,
          ...(isPassedOn ? [`Authorization: ${authorization}`] : []),
        ],
      };
    },
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

interface Asked {
  /** `<forge>/<path>`. */
  readonly name: string;
  readonly advertises: boolean;
}

/** Reading, and nothing else, by the smart protocol. */
function readAsked({ method, url = '' }: IncomingMessage): Asked | undefined {
  const advertised =
    method === 'GET' ? /^\/(.+)\.git\/info\/refs\?service=git-upload-pack$/.exec(url)?.[1] : undefined;
  if (advertised !== undefined) return { name: advertised, advertises: true };
  const called = method === 'POST' ? /^\/(.+)\.git\/git-upload-pack$/.exec(url)?.[1] : undefined;
  return called === undefined ? undefined : { name: called, advertises: false };
}

async function forward(call: FetchCall, advertises: boolean, message: IncomingMessage): Promise<FetchAnswer> {
  if (advertises) return advertiseFetch(call);
  const encoding = message.headers['content-encoding'];
  const body = readClientBody(message, { encoding, silenceMs, signal: call.signal });
  return callFetch(call, body, message.headers['accept-encoding']?.toString());
}
