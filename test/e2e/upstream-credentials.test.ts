// How the guard proves itself to an upstream, over http and https, for fetches, pushes and what it reads on its own; and
// that the proof stands nowhere else.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeCertificates } from '../support/certificates.ts';
import { ok, withCredentials, type WorkTree } from '../support/client.ts';
import { descendantsOf } from '../support/process-memory.ts';
import { placesThatHold } from '../support/nowhere.ts';
import { type PushForge, startPushForge } from '../support/push-forge.ts';
import { basic } from '../support/guarded-forge.ts';
import type { Run } from '../support/run.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { headerOf, startUpstream, type Upstream, type UpstreamCredential } from '../support/upstream.ts';
import { holdsUpstreamSecret, upstreamSecret } from '../support/upstream-secret.ts';
import type { UpstreamRepository } from '../support/upstream-repository.ts';

// Looked for everywhere.
const password = ['a word', 'with: colons', 'and ümlauts', upstreamSecret()].join(', ');
const bearer = upstreamSecret();
const commanded = upstreamSecret();
const rotated = upstreamSecret();
const clients = ['word', 'of', 'a', 'client', '91c2'].join('-');

interface Scene {
  /** File that mode `bearer` reads. */
  readonly tokenFile: string;
  readonly forge: PushForge;
  /** By the name of its forge in the guard's configuration. */
  readonly upstreams: ReadonlyMap<string, Upstream>;
  readonly elsewhere: Upstream;
}

interface Mode {
  readonly name: string;
  readonly wants: UpstreamCredential | undefined;
  readonly credential: object;
  /** What the client shows; the guard's own token where absent. */
  readonly client?: string;
}

const modes: readonly Mode[] = [
  {
    name: 'basic',
    wants: { kind: 'basic', username: 'guard', password },
    credential: { mode: 'basic', username: 'guard', password: { env: 'THE_PASSWORD' } },
  },
  {
    name: 'bearer',
    wants: { kind: 'bearer', token: bearer },
    credential: { mode: 'bearer', token: { file: 'bearer-token' } },
  },
  {
    name: 'command',
    wants: { kind: 'bearer', token: commanded },
    credential: { mode: 'bearer', token: { command: ['/bin/cat', 'command-token'] } },
  },
  { name: 'none', wants: undefined, credential: { mode: 'none' } },
  {
    name: 'passthrough',
    wants: { kind: 'basic', username: 'someone', password: clients },
    credential: { mode: 'passthrough' },
    client: clients,
  },
];
const schemes = ['http', 'https'] as const;

const resources = new AsyncDisposableStack();
let scene: Scene;

beforeAll(async () => {
  const scratch = resources.use(await temporaryDirectory('credentials'));
  const tls = makeCertificates();
  const [caFile, tokenFile] = [join(scratch.path, 'ca.pem'), join(scratch.path, 'bearer-token')];
  await writeFile(caFile, tls.ca);
  await writeFile(tokenFile, `${bearer}\n`);
  const printed = join(scratch.path, 'command-token');
  await writeFile(printed, commanded);
  const tokens: Readonly<Record<string, object>> = {
    bearer: { file: tokenFile },
    command: { command: ['/bin/cat', printed], cacheFor: '1h' },
  };
  const elsewhere = resources.use(await startUpstream());
  const upstreams = new Map<string, Upstream>();
  const forges: object[] = [];
  for (const scheme of schemes) {
    for (const { name, wants, credential } of modes) {
      const upstream = resources.use(
        await startUpstream({
          ...(wants === undefined ? {} : { credential: wants }),
          ...(scheme === 'https' ? { tls } : {}),
        }),
      );
      upstreams.set(`${scheme}-${name}`, upstream);
      forges.push({
        name: `${scheme}-${name}`,
        url: upstream.url,
        credential: { ...credential, ...(tokens[name] === undefined ? {} : { token: tokens[name] }) },
        allowRedirectsTo: [elsewhere.url],
        ...(scheme === 'https' ? { caFile } : {}),
      });
    }
  }
  const untrusted = resources.use(await startUpstream({ tls: makeCertificates() }));
  forges.push({ name: 'untrusted', url: untrusted.url, credential: { mode: 'none' }, caFile });
  forges.push({ name: 'unlisted', url: untrusted.url, credential: { mode: 'none' } });
  upstreams.set('untrusted', untrusted);
  const forge = resources.use(
    await startPushForge({ forges, env: { THE_PASSWORD: password }, policy: { version: 1, rules: [] } }),
  );
  scene = { forge, upstreams, elsewhere, tokenFile };
});
afterAll(async () => {
  await resources.disposeAsync();
});

let made = 0;
const said: string[] = [];

interface Opened {
  readonly tree: WorkTree;
  readonly repository: UpstreamRepository;
  readonly upstream: Upstream;
  readonly name: string;
  readonly url: string;
}

/** A repository of a forge, cloned through the guard. */
async function open(forge: string, client: string | undefined): Promise<Opened> {
  const upstream = scene.upstreams.get(forge);
  if (upstream === undefined) throw new Error(`no upstream ${forge}`);
  const name = `team/made-${(made += 1)}`;
  const repository = await upstream.createRepo(name, { seed: { 'README.md': `${name}\n` } });
  const url = withCredentials(
    `${scene.forge.guard.url}/git/${forge}/${name}.git`,
    'someone',
    client ?? scene.forge.agentToken,
  );
  return { tree: await scene.forge.client.clone(url), repository, upstream, name, url };
}

function told(run: Run): Run {
  said.push(run.stdout, run.stderr);
  return run;
}

describe.each(schemes)('over %s', (scheme) => {
  describe.each(modes)('mode $name', ({ name, wants, client }) => {
    test('fetches, pushes and reads what a force push needs', async () => {
      const { tree, repository, upstream } = await open(`${scheme}-${name}`, client);
      upstream.forgetRequests();
      const first = await tree.commit('One', { 'one.txt': 'one\n' });
      ok(told(await tree.push('HEAD:refs/heads/topic')));
      ok(told(await tree.git('fetch', '--verbose')));
      // The guard's own Git asks the upstream whether the one builds on the other.
      ok(await tree.git('commit', '--quiet', '--amend', '-m', 'Another'));
      const second = await tree.oid('HEAD');
      ok(told(await tree.push('+HEAD:refs/heads/topic')));
      expect(await repository.refs()).toMatchObject({ 'refs/heads/topic': second });
      expect(await repository.hasObject(first)).toBe(true);
      const header = wants === undefined ? undefined : headerOf(wants);
      const shown = upstream.requests.map(({ headers }) => headers['authorization']);
      expect(new Set(name === 'passthrough' ? shown.filter((one) => one !== undefined) : shown)).toEqual(
        new Set([header]),
      );
      // No Git child goes to the upstream by itself.
      expect(
        upstream.requests.filter(({ headers }) => !String(headers['user-agent']).includes('forgeguard')),
      ).toEqual([]);
    });

    test('a redirect to another origin takes nothing of it along', async () => {
      const { tree, upstream, name: repository } = await open(`${scheme}-${name}`, client);
      await scene.elsewhere.createRepo(repository, { seed: { 'README.md': `${repository}\n` } });
      scene.elsewhere.forgetRequests();
      upstream.fault({ effect: { kind: 'redirect', status: 307, origin: scene.elsewhere.url } });
      await tree.commit('One', { 'one.txt': 'one\n' });
      ok(told(await tree.git('fetch', '--verbose')));
      ok(told(await tree.push('HEAD:refs/heads/topic')));
      ok(await tree.git('commit', '--quiet', '--amend', '-m', 'Another'));
      told(await tree.push('+HEAD:refs/heads/topic'));
      upstream.clearFaults();
      expect(scene.elsewhere.requests.length).toBeGreaterThan(3);
      for (const request of scene.elsewhere.requests)
        expect(request.headers['authorization']).toBeUndefined();
    });
  });
});

describe('mode passthrough', () => {
  test('hands the upstream’s question for a credential to the client', async () => {
    const { name } = await open('http-passthrough', clients);
    for (const service of ['git-upload-pack', 'git-receive-pack']) {
      const url = `${scene.forge.guard.url}/git/http-passthrough/${name}.git/info/refs?service=${service}`;
      const response = await fetch(url);
      expect(response.status).toBe(401);
      expect(response.headers.get('www-authenticate')).toMatch(/^Basic realm="(upstream|forgeguard)"/);
      const wrong = await fetch(url, { headers: { authorization: basic('wrong', 'someone') } });
      expect(wrong.status).toBe(401);
      expect(wrong.headers.get('www-authenticate')).toBe('Basic realm="upstream"');
    }
  });

  test('does not take a token of the guard for a credential of the upstream', async () => {
    const { upstream, tree, name } = await open('http-passthrough', clients);
    await tree.commit('One', { 'one.txt': 'one\n' });
    const url = `${scene.forge.guard.url}/git/http-passthrough/${name}.git`;
    const pushed = told(
      await tree.push('HEAD:refs/heads/topic', {
        to: withCredentials(url, 'agent', scene.forge.agentToken),
      }),
    );
    expect(pushed.code).toBe(128);
    expect(pushed.stderr).toMatch(/Authentication failed/);
    expect(upstream.requests.at(-1)?.credential).toBe('refused');
  });

  test('records one client under one name that says nothing of its credential', async () => {
    const attempts = await scene.forge.attempts();
    const actors = attempts
      .flatMap(({ entries }) => entries)
      .filter(({ repository }) => repository?.startsWith('http-passthrough/') === true)
      .map(({ actor }) => actor?.id);
    expect(new Set(actors).size).toBe(1);
    expect(actors[0]).toMatch(/^workload:passthrough\/[0-9a-f]{32}$/);
  });
});

describe('a certificate', () => {
  test.each([
    ['of an authority that is not the one that is trusted', 'untrusted'],
    ['that no system trusts', 'unlisted'],
  ])('%s is refused', async (_name, forge) => {
    const upstream = scene.upstreams.get('untrusted');
    await upstream?.createRepo(`team/${forge}`, { seed: { 'a.txt': 'a\n' } });
    upstream?.forgetRequests();
    const url = withCredentials(
      `${scene.forge.guard.url}/git/${forge}/team/${forge}.git`,
      'agent',
      scene.forge.agentToken,
    );
    const refused = told(await scene.forge.client.git(['ls-remote', url]));
    expect(refused.code).toBe(128);
    expect(refused.stderr).toMatch(
      /couldn't reach the upstream forge \([A-Z_]*(CERT|ISSUER|SIGNATURE)[A-Z_]*\)/,
    );
    expect(upstream?.requests).toEqual([]);
  });
});

test('an upstream that no longer takes the credential: the client learns that, and not the credential', async () => {
  const { tree, upstream } = await open('http-basic', undefined);
  upstream.requireCredential({ kind: 'basic', username: 'guard', password: 'another' });
  const failed = told(await tree.git('fetch'));
  await tree.commit('One', { 'one.txt': 'one\n' });
  const pushed = told(await tree.push('HEAD:refs/heads/topic'));
  upstream.requireCredential({ kind: 'basic', username: 'guard', password });
  for (const { code, stderr } of [failed, pushed]) {
    expect(code).toBe(128);
    expect(stderr).toMatch(/answered 401.*upstream\/unauthorized/);
    expect(stderr).toMatch(/Tell the operator/);
  }
});

test('a secret that is changed in its file is used by the running guard', async () => {
  const { tree, upstream, repository } = await open('http-bearer', undefined);
  upstream.requireCredential({ kind: 'bearer', token: rotated });
  await tree.commit('One', { 'one.txt': 'one\n' });
  const early = told(await tree.push('HEAD:refs/heads/early'));
  expect(early.stderr).toMatch(/upstream\/unauthorized/);
  await writeFile(scene.tokenFile, rotated);
  ok(told(await tree.push('HEAD:refs/heads/topic')));
  expect(Object.keys(await repository.refs())).toContain('refs/heads/topic');
  await writeFile(scene.tokenFile, '');
  const failed = told(await tree.git('fetch'));
  expect(failed.stderr).toMatch(/upstream\/no-credential/);
  await writeFile(scene.tokenFile, bearer);
  upstream.requireCredential({ kind: 'bearer', token: bearer });
  ok(told(await tree.git('fetch')));
});

test('no program that the guard starts has a credential in its arguments or its environment', async () => {
  const { tree, upstream } = await open('http-basic', undefined);
  await tree.commit('One', { 'one.txt': 'one\n' });
  ok(told(await tree.push('HEAD:refs/heads/topic')));
  ok(await tree.git('commit', '--quiet', '--amend', '-m', 'Another'));
  // The guard's Git asks what the one has to do with the other, and waits for the answer.
  const hold = upstream.hold('before', 'git-upload-pack');
  const pushing = tree.push('+HEAD:refs/heads/topic');
  await hold.reached;
  const programs = await descendantsOf(scene.forge.guard.pid);
  const seen = await Promise.all(
    programs.flatMap(({ pid }) => [
      readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => ''),
      readFile(`/proc/${pid}/environ`, 'latin1').catch(() => ''),
    ]),
  );
  hold.release();
  ok(told(await pushing));
  expect(programs.map((program) => program.name)).toContain('git-remote-http');
  expect(seen.join('\n')).toContain('GIT_CONFIG_VALUE_0');
  for (const text of seen) expect(holdsUpstreamSecret(text)).toBe(false);
});

test('no credential stands in what was said, logged or stored', async () => {
  const pairs = [`guard:${password}`, `someone:${clients}`].map((pair) =>
    Buffer.from(pair).toString('base64'),
  );
  const places = await placesThatHold(
    scene.forge,
    [password, bearer, commanded, rotated, clients, ...pairs],
    said.join('\n'),
  );
  expect(places).toEqual([]);
  expect(await scene.forge.guard.command(['audit', 'verify'])).toMatchObject({ code: 0 });
});
