// A forge for tests: smart HTTP by stock git on real bare repositories, with credentials, a record of every request,
// and faults that can be switched while it runs. Stands in for nothing of ours.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import { mkdir } from 'node:fs/promises';
import { Spawner } from '../../server/git/spawner.ts';
import { drained } from './drained.ts';
import { createHold, type Hold } from './hold.ts';
import { answerWithHttpBackend, type CgiResponse } from './http-backend.ts';
import { withoutCapabilities } from './advertisement-filter.ts';
import { temporaryDirectory } from './temporary-directory.ts';
import {
  type Fault,
  type FaultEffect,
  FaultPlan,
  requestKind,
  type UpstreamRequestKind,
} from './upstream-fault.ts';
import { createRepository, type RepositoryOptions, type UpstreamRepository } from './upstream-repository.ts';

export type UpstreamCredential =
  | { readonly kind: 'basic'; readonly username: string; readonly password: string }
  | { readonly kind: 'bearer'; readonly token: string };

export interface UpstreamOptions {
  /** Requests without it are answered 401; anybody may come in where absent. */
  readonly credential?: UpstreamCredential;
  readonly tls?: { readonly key: string; readonly cert: string };
}

export interface RecordedRequest {
  readonly method: string;
  readonly url: string;
  readonly kind: UpstreamRequestKind;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly credential: 'absent' | 'accepted' | 'refused';
  /** Bytes of the body as they came over the wire, so far. */
  readonly bodyBytes: number;
  readonly chunked: boolean;
  /** Status of the answer; null until all of it is sent. */
  readonly status: number | null;
  /** True where the connection was closed before the whole answer was sent. */
  readonly brokenOff: boolean;
}

export interface Upstream extends AsyncDisposable {
  readonly url: string;
  readonly requests: readonly RecordedRequest[];
  forgetRequests(): void;
  /** True where a header or URL of any request contained `text`, Basic credentials decoded. */
  received(text: string): boolean;
  createRepo(name: string, options?: RepositoryOptions): Promise<UpstreamRepository>;
  fault(fault: Fault): void;
  /** Waits in the next request of this kind, before or after it takes effect. */
  hold(when: 'before' | 'after', kind: UpstreamRequestKind): Hold;
  /** Takes capabilities such as `side-band-64k` out of what receive-pack and upload-pack advertise. */
  hideCapabilities(names: readonly string[]): void;
  clearFaults(): void;
  /** Replaces the credential that is asked for. */
  requireCredential(credential: UpstreamCredential | undefined): void;
  /** Closes the port and every connection. */
  down(): Promise<void>;
  /** Listens again on the same port. */
  up(): Promise<void>;
  stop(): Promise<void>;
}

interface OpenRecord extends RecordedRequest {
  credential: RecordedRequest['credential'];
  bodyBytes: number;
  status: number | null;
  brokenOff: boolean;
}

/** Starts an upstream without repositories on a free port of the loopback. */
export async function startUpstream(options: UpstreamOptions = {}): Promise<Upstream> {
  const directory = await temporaryDirectory('upstream');
  const [root, home] = [join(directory.path, 'repositories'), join(directory.path, 'home')];
  await mkdir(root);
  await mkdir(home);
  const plan = new FaultPlan();
  const requests: OpenRecord[] = [];
  let credential = options.credential;
  let hidden: readonly string[] = [];
  const stopped = new AbortController();
  const spawner = await Spawner.start();

  const handle = async (message: IncomingMessage, response: ServerResponse): Promise<void> => {
    const record = recordOf(message, credential);
    requests.push(record);
    response.on('finish', () => (record.status = response.statusCode));
    response.on('close', () => (record.brokenOff = !response.writableFinished));
    if (record.credential !== 'accepted' && credential) return askForCredential(response, credential);
    const effect = plan.take(record.kind);
    if (effect && (await actedBefore(effect, message, response))) return;
    const answer = await answerWithHttpBackend({
      spawner,
      projectRoot: root,
      home,
      message,
      body: counted(message, record),
      remoteUser: credential ? 'upstream-user' : undefined,
      signal: stopped.signal,
    });
    if (effect?.kind === 'drop' || (effect?.kind === 'hold' && effect.when === 'after')) {
      const whole = await collect(answer);
      if (effect.kind === 'drop') return void message.socket.destroy();
      await effect.wait();
      return send({ ...answer, body: once(whole) }, response, undefined);
    }
    const edited =
      hidden.length > 0 && record.kind.startsWith('advertise')
        ? { ...answer, body: once(withoutCapabilities(await collect(answer), hidden)) }
        : answer;
    return send(effect?.kind === 'compress' ? compressed(edited, message) : edited, response, effect);
  };

  const listener = (message: IncomingMessage, response: ServerResponse): void => {
    handle(message, response).catch((error: unknown) => {
      if (response.headersSent) response.destroy();
      else response.writeHead(500).end(String(error));
    });
  };
  const server = options.tls ? createTlsServer(options.tls, listener) : createServer(listener);
  server.requestTimeout = 0;
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  const port = await listen(server, 0);
  const down = async (): Promise<void> => {
    if (!server.listening) return;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  const stop = async (): Promise<void> => {
    await down();
    stopped.abort();
    await spawner[Symbol.asyncDispose]();
    await directory.remove();
  };
  return {
    url: `${options.tls ? 'https' : 'http'}://127.0.0.1:${port}`,
    requests,
    forgetRequests: () => void requests.splice(0),
    received: (text) => requests.some((request) => seenText(request).includes(text)),
    createRepo: async (name, repositoryOptions) => createRepository(root, home, name, repositoryOptions),
    fault: (fault) => plan.add(fault),
    hold: (when, on) => {
      const hold = createHold();
      plan.add({ on, times: 1, effect: { kind: 'hold', when, wait: hold.wait } });
      return hold;
    },
    hideCapabilities: (names) => (hidden = names),
    clearFaults: () => {
      plan.clear();
      hidden = [];
    },
    requireCredential: (next) => (credential = next),
    down,
    up: async () => void (await listen(server, port)),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

async function listen(server: Server, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject);
      resolve();
    });
  });
  return (server.address() as AddressInfo).port;
}

function recordOf(message: IncomingMessage, credential: UpstreamCredential | undefined): OpenRecord {
  const [method, url] = [message.method ?? 'GET', message.url ?? '/'];
  const { authorization } = message.headers;
  const matches = credential ? authorization === headerOf(credential) : authorization !== undefined;
  return {
    method,
    url,
    kind: requestKind(method, url),
    headers: message.headers,
    credential: authorization === undefined ? 'absent' : matches ? 'accepted' : 'refused',
    bodyBytes: 0,
    chunked: message.headers['transfer-encoding'] === 'chunked',
    status: null,
    brokenOff: false,
  };
}

/** The Authorization header that carries a credential. */
export function headerOf(credential: UpstreamCredential): string {
  return credential.kind === 'bearer'
    ? `Bearer ${credential.token}`
    : `Basic ${Buffer.from(`${credential.username}:${credential.password}`).toString('base64')}`;
}

function askForCredential(response: ServerResponse, { kind }: UpstreamCredential): void {
  const challenge = kind === 'basic' ? 'Basic realm="upstream"' : 'Bearer realm="upstream"';
  response.writeHead(401, { 'www-authenticate': challenge, 'content-type': 'text/plain' }).end('sign in\n');
}

/** Everything readable in a request's URL and headers. */
function seenText({ url, headers }: RecordedRequest): string {
  const texts = [url, ...Object.values(headers).flatMap((value) => value ?? [])];
  const decoded = texts.map((text) => Buffer.from(text.replace(/^Basic /i, ''), 'base64').toString('latin1'));
  return [...texts, ...decoded].join('\n');
}

/** Applies an effect that comes before the request is done; true where that was the whole answer. */
async function actedBefore(
  effect: FaultEffect,
  message: IncomingMessage,
  response: ServerResponse,
): Promise<boolean> {
  switch (effect.kind) {
    case 'delay':
      await new Promise((resolve) => setTimeout(resolve, effect.milliseconds).unref());
      return false;
    case 'hold':
      if (effect.when === 'before') await effect.wait();
      return false;
    case 'ignore':
      return true;
    case 'answer':
      message.resume();
      response.writeHead(effect.status, { 'content-type': 'text/plain', ...effect.headers }).end(effect.body);
      return true;
    case 'redirect':
      message.resume();
      response.writeHead(effect.status, { location: `${effect.origin ?? ''}${message.url}` }).end();
      return true;
    case 'drop':
      if (effect.when === 'before') message.socket.destroy();
      return effect.when === 'before';
    case 'stall':
    case 'truncate':
    case 'trickle':
    case 'compress':
      return false;
  }
}

async function send(
  answer: CgiResponse,
  response: ServerResponse,
  effect: FaultEffect | undefined,
): Promise<void> {
  response.statusCode = answer.status;
  for (const [name, value] of answer.headers) response.appendHeader(name, value);
  if (effect?.kind !== 'stall' && effect?.kind !== 'truncate') {
    const body = effect?.kind === 'trickle' ? trickled(answer.body, effect) : answer.body;
    for await (const chunk of body) {
      if (!response.write(chunk)) await drained(response);
      if (response.destroyed) return;
    }
    response.end();
    return;
  }
  const whole = await collect(answer);
  const sent = effect.kind === 'stall' ? effect.afterBytes : effect.bytes;
  response.setHeader('content-length', whole.length);
  response.flushHeaders();
  await new Promise<void>((resolve) => response.write(whole.subarray(0, sent), () => resolve()));
  if (effect.kind === 'truncate') response.destroy();
}

function compressed(answer: CgiResponse, message: IncomingMessage): CgiResponse {
  if (!/\bgzip\b/.test(message.headers['accept-encoding']?.toString() ?? '')) return answer;
  const gzip = Readable.from(answer.body, { objectMode: false }).pipe(createGzip());
  return { ...answer, headers: [...answer.headers, ['content-encoding', 'gzip']], body: gzip };
}

async function* trickled(
  body: AsyncIterable<Uint8Array>,
  pace: { readonly bytes: number; readonly milliseconds: number },
): AsyncGenerator<Uint8Array> {
  for await (const chunk of body) {
    for (let at = 0; at < chunk.length; at += pace.bytes) {
      yield chunk.subarray(at, at + pace.bytes);
      await new Promise((resolve) => setTimeout(resolve, pace.milliseconds));
    }
  }
}

async function* counted(message: IncomingMessage, record: OpenRecord): AsyncGenerator<Uint8Array> {
  for await (const chunk of message as AsyncIterable<Buffer>) {
    record.bodyBytes += chunk.length;
    yield chunk;
  }
}

async function collect({ body, ended }: CgiResponse): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  await ended;
  return Buffer.concat(chunks);
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
