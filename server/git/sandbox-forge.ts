// The forge of the sandbox: bare repositories on disk, served by stock `git http-backend` on a loopback port that only
// the guard knows the password of. A newcomer's upstream, not a product.
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { access, mkdir } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { GuardError } from '../../core/errors.ts';
import { ByteReader } from './byte-reader.ts';
import { exitOf, runGit, spawnGit } from './process.ts';
import { pumpInto } from './pump.ts';

export interface SandboxForge extends AsyncDisposable {
  /** Base URL, loopback. */
  readonly url: string;
  readonly username: string;
  readonly password: string;
}

/** Serves the repositories below `root`, making `demo.git` (one commit on main) and the empty `scratch.git`. */
export async function startSandboxForge(root: string): Promise<SandboxForge> {
  await mkdir(root, { recursive: true, mode: 0o700 });
  await createRepository(join(root, 'demo.git'), true);
  await createRepository(join(root, 'scratch.git'), false);
  const password = randomBytes(24).toString('base64url');
  const expected = Buffer.from(`Basic ${Buffer.from(`forgeguard:${password}`).toString('base64')}`);
  const server = createServer((request, response) => {
    serve(root, expected, request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string')
    throw new GuardError('internal', "the sandbox's forge has no port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    username: 'forgeguard',
    password,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => void server.close(() => resolve()));
    },
  };
}

async function serve(
  root: string,
  expected: Buffer,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const given = Buffer.from(request.headers.authorization ?? '');
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
    response.writeHead(401, { 'www-authenticate': 'Basic realm="sandbox"' }).end();
    return;
  }
  const url = new URL(request.url ?? '/', 'http://sandbox');
  const child = await spawnGit(['http-backend'], { cwd: root, env: cgiEnvironment(root, url, request) });
  // Where a body breaks off before its announced end, git-http-backend waits for the rest and spins.
  const endEarly = (): void => void (request.complete || child.kill());
  if (request.destroyed) endEarly();
  else request.once('close', endEarly);
  const exit = exitOf(child);
  const pumped = pumpInto(request, child.stdin);
  const reader = new ByteReader(child.stdout);
  const headers: [string, string][] = [];
  let status = 200;
  for (let line = await headerLine(reader); line !== ''; line = await headerLine(reader)) {
    const colon = line.indexOf(':');
    const [name, value] = [line.slice(0, colon), line.slice(colon + 1).trim()];
    if (name.toLowerCase() === 'status') status = Number.parseInt(value, 10);
    else headers.push([name, value]);
  }
  response.writeHead(status, headers.flat());
  await pumpInto(reader.remaining(), response);
  await Promise.all([exit, pumped]);
}

async function headerLine(reader: ByteReader): Promise<string> {
  const line = await reader.takeUntil(0x0a, 8 * 1024);
  return line === undefined ? '' : Buffer.from(line).toString('latin1').replace(/\r$/, '');
}

// RFC 3875 §4.1, as far as git-http-backend reads it.
function cgiEnvironment(root: string, url: URL, request: IncomingMessage): Record<string, string> {
  const { headers } = request;
  const optional = {
    CONTENT_LENGTH: headers['content-length'],
    HTTP_CONTENT_ENCODING: headers['content-encoding'],
    GIT_PROTOCOL: headers['git-protocol']?.toString(),
  };
  return {
    GIT_PROJECT_ROOT: root,
    GIT_HTTP_EXPORT_ALL: '1',
    REQUEST_METHOD: request.method ?? 'GET',
    PATH_INFO: decodeURIComponent(url.pathname),
    QUERY_STRING: url.search.slice(1),
    CONTENT_TYPE: headers['content-type'] ?? '',
    REMOTE_USER: 'forgeguard',
    REMOTE_ADDR: '127.0.0.1',
    ...Object.fromEntries(
      Object.entries(optional).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
    ),
  };
}

const readme = `# Demo

A repository behind Forgeguard. Clone it, commit on a branch and push: what you push is scanned on its way.
`;

const people = {
  GIT_AUTHOR_NAME: 'Forgeguard Sandbox',
  GIT_AUTHOR_EMAIL: 'sandbox@forgeguard.example',
  GIT_COMMITTER_NAME: 'Forgeguard Sandbox',
  GIT_COMMITTER_EMAIL: 'sandbox@forgeguard.example',
};

async function createRepository(path: string, seed: boolean): Promise<void> {
  const exists = await access(join(path, 'HEAD')).then(
    () => true,
    () => false,
  );
  if (exists) return;
  const root = join(path, '..');
  await git(root, ['init', '--quiet', '--bare', '--initial-branch=main', '--', path]);
  for (const setting of [
    'http.receivepack=true',
    'uploadpack.allowFilter=true',
    'uploadpack.allowAnySHA1InWant=true',
    'receive.advertisePushOptions=true',
  ]) {
    const [key = '', value = ''] = setting.split('=');
    await git(path, ['config', key, value]);
  }
  if (!seed) return;
  const blob = await git(path, ['hash-object', '-w', '--stdin'], readme);
  const tree = await git(path, ['mktree'], `100644 blob ${blob}\tREADME.md\n`);
  const commit = await git(path, ['commit-tree', tree, '-m', 'Start'], '');
  await git(path, ['update-ref', 'refs/heads/main', commit]);
}

async function git(cwd: string, args: readonly string[], input?: string): Promise<string> {
  const bytes = input === undefined ? undefined : new TextEncoder().encode(input);
  const result = await runGit(args, { cwd, env: people, input: bytes });
  if (result.code !== 0)
    throw new GuardError(
      'internal',
      `couldn't prepare the sandbox: git ${args[0] ?? ''} failed: ${result.stderr.slice(0, 200)}`,
    );
  return Buffer.from(result.stdout).toString('utf8').trim();
}
