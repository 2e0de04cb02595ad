// The gateway lets a Git child read the one repository it was started for, and nothing else.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ForgeConfig } from '../../server/config.ts';
import { Secret } from '../../server/config.ts';
import { type Gateway, openGateway } from '../../server/git/gateway.ts';
import { remoteEnvironment } from '../../server/git/remote-environment.ts';
import { createRepositoryTable } from '../../server/git/repository.ts';
import { createUpstream } from '../../server/git/upstream.ts';
import { isolatedGitEnvironment, run, type Run } from '../support/run.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const password = ['word', 'behind', 'the', 'gateway'].join('-');
const resources = new AsyncDisposableStack();
let upstream: Upstream;
let gateway: Gateway;
let home: string;
let table: ReturnType<typeof createRepositoryTable>;

beforeAll(async () => {
  upstream = resources.use(
    await startUpstream({ credential: { kind: 'basic', username: 'guard', password } }),
  );
  await upstream.createRepo('team/one', { seed: { 'a.txt': 'a\n' } });
  await upstream.createRepo('team/two', { seed: { 'b.txt': 'b\n' } });
  const forge: ForgeConfig = {
    name: 'forge',
    url: upstream.url,
    credential: {
      mode: 'basic',
      username: 'guard',
      password: { kind: 'value', value: new Secret(password) },
    },
    repositories: ['**'],
    allowRedirectsTo: [],
  };
  table = createRepositoryTable([forge]);
  const sender = createUpstream(forge, 10_000, () => performance.now());
  resources.defer(() => sender.close());
  gateway = resources.use(await openGateway({ upstreamOf: () => sender, repositoryOf }));
  home = resources.use(await temporaryDirectory('gateway')).path;
});
afterAll(() => resources.disposeAsync());

function repositoryOf(name: string): ReturnType<typeof table.route>['repository'] {
  return table.route('POST', `${name}/git-receive-pack`, undefined).repository;
}

const remoteOf = (name: string): ReturnType<Gateway['remoteFor']> =>
  gateway.remoteFor(repositoryOf(name), undefined);

function git(args: readonly string[], remote = remoteOf('forge/team/one')): Promise<Run> {
  return run('git', args, { cwd: home, env: isolatedGitEnvironment(home, remoteEnvironment(remote)) });
}

test('a child reads its repository, and holds nothing of the credential', async () => {
  const listed = await git(['ls-remote', remoteOf('forge/team/one').url]);
  expect(listed.code).toBe(0);
  expect(listed.stdout).toContain('refs/heads/main');
  expect(upstream.requests.at(-1)).toMatchObject({ credential: 'accepted' });
  const given = JSON.stringify(remoteEnvironment(remoteOf('forge/team/one')));
  for (const form of [password, Buffer.from(`guard:${password}`).toString('base64'), upstream.url])
    expect(given).not.toContain(form);
});

describe('refused, without a question to the upstream:', () => {
  test.each([
    ['another repository with the key of this one', () => ['ls-remote', remoteOf('forge/team/two').url]],
    [
      'an unknown forge',
      () => ['ls-remote', remoteOf('forge/team/one').url.replace('/forge/', '/elsewhere/')],
    ],
  ])('%s', async (_name, args) => {
    upstream.forgetRequests();
    const refused = await git(args());
    expect(refused.code).toBe(128);
    expect(refused.stderr).toContain('403');
    expect(upstream.requests).toEqual([]);
  });

  test('a request without the key, or with a part of it', async () => {
    upstream.forgetRequests();
    const { url, headers } = remoteOf('forge/team/one');
    const [name = '', key = ''] = (headers[0] ?? '').split(': ');
    const status = async (sent: Record<string, string>): Promise<number> =>
      (await fetch(`${url}/info/refs?service=git-upload-pack`, { headers: sent })).status;
    expect(await status({ [name]: key })).toBe(200);
    upstream.forgetRequests();
    expect([await status({}), await status({ [name]: key.slice(0, -2) })]).toEqual([403, 403]);
    expect(upstream.requests).toEqual([]);
  });

  test.each([
    ['GET', '/info/refs?service=git-receive-pack'],
    ['POST', '/git-receive-pack'],
    ['GET', '/HEAD'],
    ['POST', '/info/refs?service=git-upload-pack'],
  ])('%s %s', async (method, suffix) => {
    upstream.forgetRequests();
    const { url, headers } = remoteOf('forge/team/one');
    const [name = '', key = ''] = (headers[0] ?? '').split(': ');
    expect((await fetch(url + suffix, { method, headers: { [name]: key } })).status).toBe(403);
    expect(upstream.requests).toEqual([]);
  });
});

test('what the upstream refuses is a failure, never a question for a credential', async () => {
  upstream.requireCredential({ kind: 'basic', username: 'guard', password: 'another' });
  const refused = await git(['ls-remote', remoteOf('forge/team/one').url]);
  upstream.requireCredential({ kind: 'basic', username: 'guard', password });
  expect(refused.code).toBe(128);
  expect(refused.stderr).toContain('502');
});
