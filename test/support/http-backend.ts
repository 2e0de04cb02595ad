// Answers one HTTP request with stock `git http-backend` (CGI, RFC 3875) on a directory of bare repositories.
import type { IncomingMessage } from 'node:http';
import type { Writable } from 'node:stream';
import type { Spawner } from '../../server/git/spawner.ts';
import { drained } from './drained.ts';
import { isolatedGitEnvironment } from './run.ts';

export interface CgiResponse {
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: AsyncIterable<Uint8Array>;
  /** Fulfils when the program has ended: everything it was asked to do is done. */
  readonly ended: Promise<void>;
}

export interface CgiRequest {
  /** Starts git: a test process is large, and its forks are slow. */
  readonly spawner: Spawner;
  readonly projectRoot: string;
  readonly home: string;
  readonly message: IncomingMessage;
  /** The request body as it arrived, compressed or not. */
  readonly body: AsyncIterable<Uint8Array>;
  readonly remoteUser: string | undefined;
  /** Kills the program: one whose client broke off in the middle of a body may spin for ever. */
  readonly signal: AbortSignal;
}

const bodyHeaders = {
  'content-type': 'CONTENT_TYPE',
  'content-length': 'CONTENT_LENGTH',
  'content-encoding': 'HTTP_CONTENT_ENCODING',
  'git-protocol': 'HTTP_GIT_PROTOCOL',
  'user-agent': 'HTTP_USER_AGENT',
  accept: 'HTTP_ACCEPT',
} as const;

/** Runs `git http-backend`; rejects where it ends without a complete header. */
export async function answerWithHttpBackend(request: CgiRequest): Promise<CgiResponse> {
  const child = await request.spawner.spawn({
    args: ['http-backend'],
    cwd: request.projectRoot,
    env: environmentOf(request),
  });
  const kill = (): void => child.kill();
  if (request.signal.aborted) kill();
  else request.signal.addEventListener('abort', kill, { once: true });
  const errors: Buffer[] = [];
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
  const ended = child.ended.then(() => request.signal.removeEventListener('abort', kill));
  child.stdin.on('error', () => undefined);
  const fed = feed(request.body, child.stdin);
  const output = child.stdout[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  const { head, rest } = await readHead(output, () => Buffer.concat(errors).toString());
  return {
    ...parseHead(head),
    body: follow(rest, output),
    ended: Promise.all([ended, fed]).then(() => undefined),
  };
}

function environmentOf({
  projectRoot,
  home,
  message,
  remoteUser,
}: CgiRequest): Readonly<Record<string, string>> {
  const url = new URL(message.url ?? '/', 'http://upstream.invalid');
  const environment: Record<string, string> = {
    GIT_PROJECT_ROOT: projectRoot,
    GIT_HTTP_EXPORT_ALL: '1',
    PATH_INFO: decodeURIComponent(url.pathname),
    QUERY_STRING: url.search.slice(1),
    REQUEST_METHOD: message.method ?? 'GET',
    REMOTE_ADDR: message.socket.remoteAddress ?? '127.0.0.1',
    GIT_COMMITTER_NAME: 'upstream',
    GIT_COMMITTER_EMAIL: 'upstream@upstream.example',
  };
  if (remoteUser !== undefined) environment['REMOTE_USER'] = remoteUser;
  const protocol = message.headers['git-protocol'];
  if (typeof protocol === 'string') environment['GIT_PROTOCOL'] = protocol;
  for (const [header, variable] of Object.entries(bodyHeaders)) {
    const value = message.headers[header];
    if (typeof value === 'string') environment[variable] = value;
  }
  return isolatedGitEnvironment(home, environment);
}

/** Copies the body to the program; a client that breaks off ends the program's input early, as a web server does. */
async function feed(body: AsyncIterable<Uint8Array>, stdin: Writable): Promise<void> {
  try {
    for await (const chunk of body) {
      if (!stdin.writable) break;
      if (!stdin.write(chunk)) await drained(stdin);
    }
  } catch {
    // The client went away.
  }
  stdin.end();
}

async function readHead(
  output: AsyncIterator<Buffer>,
  said: () => string,
): Promise<{ readonly head: string; readonly rest: Buffer }> {
  let seen = Buffer.alloc(0);
  for (;;) {
    const at = seen.indexOf('\r\n\r\n');
    if (at >= 0) return { head: seen.subarray(0, at).toString('latin1'), rest: seen.subarray(at + 4) };
    const next = await output.next();
    if (next.done) throw new Error(`git http-backend ended without a header: ${said()}`);
    seen = Buffer.concat([seen, next.value]);
  }
}

function parseHead(head: string): Pick<CgiResponse, 'status' | 'headers'> {
  const headers: [string, string][] = [];
  let status = 200;
  for (const line of head.split('\r\n')) {
    const colon = line.indexOf(':');
    const [name, value] = [line.slice(0, colon), line.slice(colon + 1).trim()];
    if (name.toLowerCase() === 'status') status = Number.parseInt(value, 10);
    else headers.push([name, value]);
  }
  return { status, headers };
}

async function* follow(first: Buffer, output: AsyncIterator<Buffer>): AsyncGenerator<Uint8Array> {
  if (first.length > 0) yield first;
  for (let next = await output.next(); !next.done; next = await output.next()) yield next.value;
}
