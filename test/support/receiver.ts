// Somebody who is told over HTTP: keeps what arrives, answers as it is told to.
import {
  createServer as createHttp,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createHttps } from 'node:https';
import type { AddressInfo } from 'node:net';
import { expectNoUpstreamSecret } from './upstream-secret.ts';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Receiver extends AsyncDisposable {
  readonly url: string;
  readonly received: readonly Received[];
  /** What it answers from now on. */
  answer: {
    readonly status: number;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: string;
  };
  /** True: takes what is sent and never answers. */
  isSilent: boolean;
  /** Answers with this status instead, by the body. */
  judge?: (body: string) => number;
  /** Milliseconds until it answers. */
  delayMs?: number;
}

export async function startReceiver(tls?: {
  readonly cert: string;
  readonly key: string;
}): Promise<Receiver> {
  const received: Received[] = [];
  const made: Receiver = {
    url: '',
    received,
    answer: { status: 200 },
    isSilent: false,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  const listener = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const body = Buffer.concat(parts).toString('utf8');
    expectNoUpstreamSecret(
      `what a receiver is told at ${request.url ?? ''}`,
      `${JSON.stringify(request.headers)}${request.url ?? ''}${body}`,
    );
    received.push({ path: request.url ?? '', headers: request.headers, body });
    if (made.isSilent) return;
    if (made.delayMs !== undefined) await sleep(made.delayMs);
    const { status, headers, body: text } = made.answer;
    response.writeHead(made.judge?.(body) ?? status, headers).end(text);
  };
  const handle: Parameters<typeof createHttp>[1] = (request, response) => {
    listener(request, response).catch(() => response.destroy());
  };
  const server: Server = tls === undefined ? createHttp(handle) : createHttps(tls, handle);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return Object.assign(made, { url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}/hook` });
}
