// Tokens of a GitHub App's installations, against a GitHub that checks what it is asked.
import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { GuardError } from '../../core/errors.ts';
import { Secret } from '../../server/config.ts';
import { githubApiUrl } from '../../server/github-api-url.ts';
import { createInstallationTokens, type InstallationTokens } from '../../server/github-installation.ts';
import { badGateway, secondaryLimit } from '../support/github/api-faults.ts';
import type { FakeApp, TokenFormat } from '../support/github/account-state.ts';
import { type FakeGitHub, startFakeGitHub } from '../support/github/fake-github.ts';
import { freePort } from '../support/free-port.ts';
import { startReceiver } from '../support/receiver.ts';

const resources = new AsyncDisposableStack();
let github: FakeGitHub;
let app: FakeApp;

beforeAll(async () => {
  github = resources.use(await startFakeGitHub());
  app = github.createApp({ permissions: { contents: 'write', metadata: 'read' } });
  await github.createRepository('acme', 'one');
  await github.createRepository('acme', 'two');
  await github.createRepository('elsewhere', 'three');
  github.install(app, 'acme');
});
afterAll(() => resources.disposeAsync());

let elapsed = 0;
let seen = 0;
beforeEach(() => {
  elapsed = 0;
  seen = github.calls.length;
});

function open(
  changes: { readonly key?: string; readonly installation?: number; readonly apiUrl?: string } = {},
) {
  return resources.use(
    createInstallationTokens({
      app: {
        appId: String(app.id),
        privateKey: { kind: 'value', value: new Secret(changes.key ?? app.privateKey) },
        installation: changes.installation,
        apiUrl: changes.apiUrl ?? github.apiUrl,
      },
      now: () => elapsed,
    }),
  );
}

const reading = (repository: string) => ({ repository, permissions: { contents: 'read' } }) as const;
const writing = (repository: string) => ({ repository, permissions: { contents: 'write' } }) as const;
const minted = (): readonly unknown[] =>
  github.calls.slice(seen).flatMap(({ operation, body }) => (operation.startsWith('POST ') ? [body] : []));

async function codeOf(tokens: InstallationTokens, repository = 'acme/one'): Promise<GuardError> {
  const thrown: unknown = await tokens.tokenFor(reading(repository)).catch((error: unknown) => error);
  if (thrown instanceof GuardError) return thrown;
  throw new Error('a token was given');
}

test.each<TokenFormat>(['opaque', 'jwt'])(
  'a token in the format %s, for one repository and no more than is asked for',
  async (format) => {
    app.tokenFormat = format;
    const tokens = open();
    const token = await tokens.tokenFor(reading('acme/one'));
    const known = github.world.tokens.get(token.reveal());
    expect(known?.permissions).toEqual({ metadata: 'read', contents: 'read' });
    expect(known?.repositories?.size).toBe(1);
    expect(minted()).toEqual([{ repositories: ['one'], permissions: { contents: 'read' } }]);
  },
);

test('is kept for its repository and permissions until shortly before its end', async () => {
  const tokens = open();
  const first = await tokens.tokenFor(reading('acme/one'));
  expect((await tokens.tokenFor(reading('Acme/One'))).reveal()).toBe(first.reveal());
  const others = [await tokens.tokenFor(writing('acme/one')), await tokens.tokenFor(reading('acme/two'))];
  expect(new Set([first, ...others].map((token) => token.reveal())).size).toBe(3);
  expect(minted()).toHaveLength(3);
  elapsed = 49 * 60_000;
  expect((await tokens.tokenFor(reading('acme/one'))).reveal()).toBe(first.reveal());
  elapsed = 51 * 60_000;
  expect((await tokens.tokenFor(reading('acme/one'))).reveal()).not.toBe(first.reveal());
});

test('however many ask at once, one is made; the installation is looked up once an hour', async () => {
  const tokens = open();
  const all = await Promise.all(Array.from({ length: 20 }, () => tokens.tokenFor(reading('acme/one'))));
  expect(new Set(all.map((token) => token.reveal())).size).toBe(1);
  await tokens.tokenFor(writing('acme/one'));
  expect(github.calls.slice(seen).map(({ operation }) => operation.split(' ')[0])).toEqual([
    'GET',
    'POST',
    'POST',
  ]);
});

test('a named installation is not looked up, and may not know the repository', async () => {
  const [installation] = [...github.world.installations.values()];
  const tokens = open({ installation: installation?.id ?? 0 });
  await tokens.tokenFor(reading('acme/one'));
  expect(github.calls.slice(seen).map(({ status }) => status)).toEqual([201]);
  expect(await codeOf(tokens, 'elsewhere/three')).toMatchObject({ code: 'upstream/permission' });
});

test('one that was refused is made anew, unless it is only just made', async () => {
  const tokens = open();
  const first = await tokens.tokenFor(reading('acme/one'));
  tokens.refused(reading('acme/one'));
  expect((await tokens.tokenFor(reading('acme/one'))).reveal()).toBe(first.reveal());
  elapsed = 11_000;
  tokens.refused(reading('acme/one'));
  expect((await tokens.tokenFor(reading('acme/one'))).reveal()).not.toBe(first.reveal());
});

describe('what GitHub answers becomes an error that says what to do:', () => {
  test('the App is not installed, or was removed', async () => {
    expect(await codeOf(open(), 'elsewhere/three')).toMatchObject({
      code: 'upstream/not-installed',
      message: expect.stringMatching(/elsewhere\/three: GitHub answered 404/) as string,
    });
    expect(await codeOf(open({ installation: 999_999 }))).toMatchObject({ code: 'upstream/not-installed' });
  });

  test('it is suspended', async () => {
    const [installation] = [...github.world.installations.values()];
    if (installation === undefined) throw new Error('there is one');
    installation.suspended = true;
    const error = await codeOf(open());
    installation.suspended = false;
    expect(error).toMatchObject({ code: 'upstream/suspended' });
  });

  test('a permission was not granted', async () => {
    const wish = { repository: 'acme/one', permissions: { contents: 'write', workflows: 'write' } } as const;
    await expect(open().tokenFor(wish)).rejects.toMatchObject({ code: 'upstream/permission' });
  });

  test('too many requests, with the time to wait', async () => {
    github.faults.plan('any', secondaryLimit(37));
    expect(await codeOf(open())).toMatchObject({
      code: 'upstream/rate-limited',
      message: expect.stringMatching(/asks to wait 37 s/) as string,
    });
  });

  test('the key is another, or none', async () => {
    const pem = { type: 'pkcs1', format: 'pem' } as const;
    const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export(pem).toString();
    expect(await codeOf(open({ key: other }))).toMatchObject({
      code: 'upstream/no-credential',
      message: expect.stringMatching(/private key is not accepted/) as string,
    });
    const nonsense = ['not', 'a', 'key', 'at', 'all'].join('-');
    const error = await codeOf(open({ key: nonsense }));
    expect(error.code).toBe('upstream/no-credential');
    expect(`${error.message} ${error.stack ?? ''} ${String(error.cause)}`).not.toContain(nonsense);
  });

  test('a gateway that is down, a connection that breaks, nobody there, something that is no GitHub', async () => {
    github.faults.plan('any', badGateway);
    expect(await codeOf(open())).toMatchObject({ message: expect.stringMatching(/answered 502/) as string });
    github.faults.plan('any', { kind: 'drop' });
    expect(await codeOf(open())).toMatchObject({ code: 'upstream/no-credential' });
    expect(await codeOf(open({ apiUrl: `http://127.0.0.1:${await freePort()}/api/v3` }))).toMatchObject({
      code: 'upstream/no-credential',
      message: expect.stringMatching(/could not be reached \(ECONNREFUSED\)/) as string,
    });
    await using stranger = await startReceiver();
    expect(await codeOf(open({ apiUrl: stranger.url }))).toMatchObject({ code: 'upstream/no-credential' });
  });

  test('a redirect to another origin does not get the App’s proof', async () => {
    await using stranger = await startReceiver();
    github.faults.plan('any', {
      kind: 'answer',
      status: 307,
      headers: { location: `${stranger.url}/repos/acme/one/installation` },
      body: {},
    });
    expect(await codeOf(open())).toMatchObject({ code: 'upstream/no-credential' });
    expect(stranger.received).toHaveLength(1);
    expect(JSON.stringify(stranger.received)).not.toMatch(/bearer|eyJ/i);
  });
});

test.each([
  ['https://github.com', 'https://api.github.com'],
  ['https://acme.ghe.com', 'https://api.acme.ghe.com'],
  ['https://git.example.org', 'https://git.example.org/api/v3'],
  ['https://git.example.org:8443/base', 'https://git.example.org:8443/base/api/v3'],
])('the API of %s is at %s', (web, api) => {
  expect(githubApiUrl(new URL(web))).toBe(api);
});

test('what GitHub knows of the App is told', async () => {
  const { slug, permissions } = await open().describeApp();
  expect(slug).toBe(app.slug);
  expect(permissions.toSorted()).toEqual(['contents: write', 'metadata: read']);
});

test('GitHub was asked as its description says', () => {
  expect(github.calls.length).toBeGreaterThan(10);
  expect(github.violations).toEqual([]);
});
