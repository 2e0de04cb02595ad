// The guard's own TLS and certificates of clients, with the real git client: who they stand for, which are refused, and
// tokens that are good only with one.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Agent, fetch } from 'undici';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ClientCertificate, makeAuthority } from '../support/certificates.ts';
import { withCredentials } from '../support/client.ts';
import { type GuardedForge, type GuardedRepository, startGuardedForge } from '../support/guarded-forge.ts';
import type { Run } from '../support/run.ts';
import { type TemporaryDirectory, temporaryDirectory } from '../support/temporary-directory.ts';
import { until } from '../support/until.ts';

const authority = makeAuthority();
const spiffe = (name: string): string => `spiffe://example.org/agents/${name}`;
const clients = {
  coder: authority.issue({ name: 'x', uris: [spiffe('coder')] }),
  other: authority.issue({ name: 'other', uris: [spiffe('other')] }),
  build: authority.issue({ name: 'build', dns: ['build-7.ci.example.org'] }),
  nobody: authority.issue({ name: 'nobody' }),
  twice: authority.issue({ name: 'x', uris: [spiffe('coder'), spiffe('other')] }),
  elsewhere: authority.issue({ name: 'x', uris: ['spiffe://example.net/agents/coder'] }),
  expired: authority.issue({ name: 'x', uris: [spiffe('coder')], days: [-2, -1] }),
  notYet: authority.issue({ name: 'x', uris: [spiffe('coder')], days: [1, 2] }),
  revoked: authority.issue({ name: 'x', uris: [spiffe('coder')] }),
  forged: makeAuthority().issue({ name: 'x', uris: [spiffe('coder')] }),
} satisfies Readonly<Record<string, ClientCertificate>>;
type Name = keyof typeof clients;

let scratch: TemporaryDirectory;
let forge: GuardedForge;
let repository: GuardedRepository;

beforeAll(async () => {
  scratch = await temporaryDirectory('tls');
  const file = (name: string): string => join(scratch.path, name);
  await Promise.all([
    writeFile(file('ca.pem'), authority.ca),
    writeFile(file('guard.pem'), authority.cert),
    writeFile(file('guard.key'), authority.key),
    writeFile(file('clients.crl'), authority.crl([clients.revoked.serial])),
    ...Object.entries(clients).flatMap(([name, { cert, key }]) => [
      writeFile(file(`${name}.pem`), cert),
      writeFile(file(`${name}.key`), key),
    ]),
  ]);
  const scopes = [{ repository: 'forge/team/**', verbs: ['fetch', 'push'] }];
  forge = await startGuardedForge({
    ca: authority.ca,
    config: {
      listen: {
        tls: {
          certFile: file('guard.pem'),
          keyFile: file('guard.key'),
          clientCaFile: file('ca.pem'),
          clientCrlFile: file('clients.crl'),
        },
      },
      identity: {
        certificates: [
          {
            uri: spiffe('*'),
            principal: 'agent:{name}',
            owner: 'human:ada',
            onBehalfOf: ['human:ada'],
            scopes,
          },
          { dns: '*.ci.example.org', principal: 'workload:{name}', owner: 'human:ada', scopes },
        ],
      },
    },
  });
  repository = await forge.createRepo('team/one', { seed: { 'README.md': 'hello\n' } });
});
afterAll(async () => {
  await forge[Symbol.asyncDispose]();
  await scratch.remove();
});

/** git with a client certificate, or with none. */
function git(args: readonly string[], name?: Name, cwd?: string): Promise<Run> {
  const file = (end: string): string => join(scratch.path, `${name}.${end}`);
  return forge.client.git(args, {
    ...(cwd === undefined ? {} : { cwd }),
    env: {
      GIT_SSL_CAINFO: join(scratch.path, 'ca.pem'),
      ...(name === undefined ? {} : { GIT_SSL_CERT: file('pem'), GIT_SSL_KEY: file('key') }),
    },
  });
}

const lsRemote = (name: Name | undefined, token?: string): Promise<Run> =>
  git(
    ['ls-remote', token === undefined ? repository.bareUrl : withCredentials(repository.bareUrl, 'x', token)],
    name,
  );

function agentOf(name: Name | undefined): Agent & AsyncDisposable {
  const agent = new Agent({ connect: { ca: authority.ca, ...(name === undefined ? {} : clients[name]) } });
  return Object.assign(agent, { [Symbol.asyncDispose]: () => agent.destroy() });
}

/** Does what is to be refused, and waits until the log tells of it: of many in a second it does so by their number. */
async function isRefused(reason: string, token: string | null, during: () => Promise<void>): Promise<void> {
  const count = async (): Promise<number> =>
    (await forge.audit())
      .filter(
        ({ action, details }) =>
          action === 'identity.refused' && details['reason'] === reason && details['token'] === token,
      )
      .reduce((sum, { details }) => sum + 1 + Number(details['moreRefusals']), 0);
  const before = await count();
  await during();
  await until(`an entry of a refusal: ${reason}`, async () => (await count()) > before);
}

const fails = async (name: Name | undefined, token?: string): Promise<void> =>
  expect((await lsRemote(name, token)).code).toBe(128);

describe('a certificate without a token', () => {
  test('stands for the agent whose SPIFFE id it bears, from the fetch to the push', async () => {
    expect(repository.bareUrl).toMatch(/^https:/);
    const directory = join(scratch.path, 'work');
    expect(await git(['clone', '--quiet', repository.bareUrl, directory], 'coder')).toMatchObject({
      code: 0,
    });
    await writeFile(join(directory, 'a.txt'), 'a\n');
    await git(['add', '--all'], 'coder', directory);
    await git(['commit', '--quiet', '-m', 'A'], 'coder', directory);
    const pushed = await git(['push', 'origin', 'HEAD:refs/heads/agent/tls'], 'coder', directory);
    expect(pushed, pushed.stderr).toMatchObject({ code: 0 });
    const received = (await forge.audit()).findLast(({ action }) => action === 'push.received');
    expect(received?.actor).toMatchObject({
      kind: 'agent',
      id: 'agent:coder',
      issuer: 'CN=Test authority',
      subject: spiffe('coder'),
      onBehalfOf: ['human:ada'],
      proof: 'mtls',
    });
    expect(received?.actor?.session).toMatch(/^cert-[\w-]{22}$/);
  });

  test('stands for a build by its DNS name', async () => {
    expect(await lsRemote('build')).toMatchObject({ code: 0 });
    const served = (await forge.audit()).findLast(({ action }) => action === 'fetch.served');
    expect(served?.actor?.id).toBe('workload:build-7');
  });

  test.each<Name>(['nobody', 'twice', 'elsewhere'])('stands for nobody: %s', async (name) => {
    const refused = await lsRemote(name);
    expect(refused.code).toBe(128);
    // A token beside it is welcome.
    expect(await lsRemote(name, forge.token)).toMatchObject({ code: 0 });
  });

  test('is not needed with a token', async () => {
    expect(await lsRemote(undefined, forge.token)).toMatchObject({ code: 0 });
    expect((await lsRemote(undefined)).code).toBe(128);
  });
});

test.each<Name>(['expired', 'notYet', 'revoked', 'forged'])(
  'a certificate that is bad is refused, though a good token comes with it: %s',
  async (name) => {
    for (const token of [undefined, forge.token])
      await isRefused('bad-certificate', null, () => fails(name, token));
  },
);

describe('a token that is bound to a certificate', () => {
  test('is good only with it, and its theft is recorded', async () => {
    const created = await forge.guard.command([
      'token',
      'create',
      '--agent',
      'bound',
      '--owner',
      'ada',
      '--purpose',
      'testing',
      '--scope',
      'forge/team/**:fetch,push',
      '--expires',
      '1h',
      '--certificate',
      join(scratch.path, 'nobody.pem'),
      '--format',
      'json',
    ]);
    expect(created, created.stderr).toMatchObject({ code: 0 });
    // The certificate stands for nobody by itself, or git would not send the token.
    const { token, id, certificate } = JSON.parse(created.stdout) as Readonly<Record<string, string>>;
    expect(certificate).toMatch(/^[\w-]{43}$/);
    expect(await lsRemote('nobody', token)).toMatchObject({ code: 0 });
    const served = (await forge.audit()).findLast(({ action }) => action === 'fetch.served');
    expect(served?.actor).toMatchObject({ id: 'agent:bound', proof: 'guard-token' });
    for (const thief of [undefined, 'twice', 'elsewhere'] as const)
      await isRefused('not-bound', id ?? '', () => fails(thief, token));
    expect(await lsRemote('nobody', token)).toMatchObject({ code: 0 });
    const listed = await forge.audit();
    expect(
      listed.find(({ action, request }) => action === 'token.created' && request === id)?.details,
    ).toMatchObject({ certificate });
  });

  test('gives sessions that are bound as well', async () => {
    const made = await forge.guard.command([
      ...['token', 'create', '--agent', 'bound', '--owner', 'ada', '--purpose', 'testing', '--expires', '1h'],
      ...['--scope', 'forge/team/**:fetch', '--certificate', join(scratch.path, 'nobody.pem')],
    ]);
    const token = made.stdout.trim();
    const exchange = async (name: Name | undefined, subject: string) => {
      await using dispatcher = agentOf(name);
      const answer = await fetch(`${forge.guard.url}/oauth/token`, {
        dispatcher,
        method: 'POST',
        body: new URLSearchParams({
          grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
          subject_token: subject,
          subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
        }),
      });
      const { access_token: session } = (await answer.json()) as { readonly access_token?: string };
      return { status: answer.status, session };
    };
    for (const thief of [undefined, 'other'] as const)
      expect((await exchange(thief, token)).status).toBeGreaterThanOrEqual(400);
    await isRefused('bad-certificate', null, async () =>
      expect((await exchange('revoked', token)).status).toBeGreaterThanOrEqual(400),
    );
    const { status, session = '' } = await exchange('nobody', token);
    expect(status).toBe(200);
    expect(await lsRemote('nobody', session)).toMatchObject({ code: 0 });
    const { actor } = (await forge.audit()).findLast(({ action }) => action === 'session.opened') ?? {};
    await isRefused('not-bound', actor?.session ?? '', () => fails(undefined, session));
    expect((await exchange(undefined, session)).status).toBeGreaterThanOrEqual(400);
    // Any token gives a session that is bound where a certificate comes with it.
    const mine = await exchange('twice', forge.token);
    expect((await lsRemote('elsewhere', mine.session)).code).toBe(128);
    expect(await lsRemote('twice', mine.session)).toMatchObject({ code: 0 });
  });

  test('needs a file with a certificate', async () => {
    const args = ['token', 'create', '--agent', 'x', '--owner', 'a', '--purpose', 'p', '--expires', '1h'];
    const create = (file: string): Promise<Run> =>
      forge.guard.command([...args, '--scope', '**:fetch', '--certificate', join(scratch.path, file)]);
    expect(await create('coder.key')).toMatchObject({ code: 2 });
    expect(await create('missing.pem')).toMatchObject({ code: 2 });
  });
});
