// `forgeguard credential` by itself: what it says to Git, where it looks for an identity, what it writes into Git's
// configuration, and to whom it says nothing. test/e2e/credential.test.ts has it work with a guard.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  formatCredentialAnswer,
  parseCredentialRequest,
  readCredentialMessage,
  repositoryOfPath,
} from '../../cli/credential-protocol.ts';
import { chooseSource, type SourceName, sourceNames } from '../../cli/token-sources.ts';
import { type Receiver, startReceiver } from '../support/receiver.ts';
import { isolatedGitEnvironment, run, type Run } from '../support/run.ts';
import { temporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts';
import { program } from './program.ts';

let home: TemporaryDirectory;
let somebody: Receiver;
beforeAll(async () => {
  home = await temporaryDirectory('credential');
  somebody = await startReceiver();
});
afterAll(async () => {
  await somebody[Symbol.asyncDispose]();
  await home.remove();
});
beforeEach(() => {
  somebody.answer = { status: 200 };
});

const token = ['a', 'token', 'nobody', 'may', 'see'].join('.');
const guard = 'https://guard.invalid';

interface Asked {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  readonly cwd?: string;
}

function credential(operation: string, { args = [], env = {}, input = '', cwd }: Asked = {}): Promise<Run> {
  return run(process.execPath, [program, 'credential', ...args, operation], {
    cwd: cwd ?? home.path,
    env: isolatedGitEnvironment(home.path, env),
    input,
  });
}

const question = (url: string): string => {
  const { protocol, host, pathname } = new URL(url);
  return `protocol=${protocol.slice(0, -1)}\nhost=${host}\npath=${pathname.slice(1)}\n\n`;
};

describe('the protocol of credential helpers', () => {
  const word = fc.string({ unit: 'grapheme', maxLength: 30 }).filter((text) => !/[\n\0]/.test(text));

  test('what Git says is read, in whatever order, with keys that are not known', () => {
    fc.assert(
      fc.property(
        word,
        word,
        word,
        fc.boolean(),
        fc.array(word, { maxLength: 3 }),
        (host, path, password, authtype, more) => {
          const lines = [
            ...more.map((value, index) => `future-${index}=${value}`),
            ...(authtype ? ['capability[]=authtype', 'capability[]=state'] : []),
            `password=${password}`,
            `path=${path}`,
            'protocol=https',
            `host=${host}`,
          ];
          const request = parseCredentialRequest(`${lines.join('\n')}\n\nnot=read\n`);
          expect(request).toEqual({
            protocol: 'https',
            host,
            path,
            secret: password,
            takesAuthtype: authtype,
          });
        },
      ),
    );
  });

  test.each(['no equals sign\n', '=no key\n', 'host=a\0b\n'])('%j is none', (text) => {
    expect(() => parseCredentialRequest(text)).toThrow(/not the protocol of credential helpers/);
  });

  test('a message is read to its blank line however it is cut, and no longer than 64 KiB', async () => {
    async function* cut(text: string, at: number): AsyncGenerator<Uint8Array> {
      yield Buffer.from(text.slice(0, at));
      yield Buffer.from(text.slice(at));
    }
    const text = 'protocol=https\nhost=a\n\n';
    for (let at = 0; at <= text.length; at += 1)
      expect(await readCredentialMessage(cut(text, at))).toBe(text);
    await expect(readCredentialMessage(cut('a=b\n'.repeat(20_000), 3))).rejects.toThrow(/longer than 65536/);
  });

  test('answers: by user name and password, ready made where Git takes that, and the end of all asking', () => {
    const old = parseCredentialRequest('protocol=https\n');
    const modern = parseCredentialRequest('capability[]=authtype\nprotocol=https\n');
    const answer = { kind: 'token', token: 't', expiresAt: 1_900_000_000.7 } as const;
    expect(formatCredentialAnswer(old, answer)).toBe(
      'username=x-guard\npassword=t\npassword_expiry_utc=1900000000\n',
    );
    expect(formatCredentialAnswer(modern, answer)).toBe(
      'capability[]=authtype\nauthtype=Bearer\ncredential=t\nephemeral=1\npassword_expiry_utc=1900000000\n',
    );
    expect(formatCredentialAnswer(modern, { kind: 'quit' })).toBe('quit=1\n');
  });

  test.each([
    ['git/hub/acme/app.git', 'hub/acme/app'],
    ['/git/hub/Acme/App', 'hub/acme/app'],
    ['git/hub/acme/deep/app.git/info/lfs', 'hub/acme/deep/app'],
    ['git/hub/acme/app.git/info/lfs/objects/batch', 'hub/acme/app'],
    ['git/hub', undefined],
    ['api/v1/approvals', undefined],
    ['git/hub/../x.git', undefined],
    ['git/hub/a b.git', undefined],
    [undefined, undefined],
  ])('the path %s is the repository %s', (path, repository) => {
    expect(repositoryOfPath(path)).toBe(repository);
  });
});

describe('nobody but the guard', () => {
  test.each([
    ['another host', 'https://elsewhere.invalid/git/hub/a/b.git'],
    ['another port', `${guard}:8443/git/hub/a/b.git`],
    ['the same host in the clear', 'http://guard.invalid/git/hub/a/b.git'],
    ['a host that begins like it', 'https://guard.invalid.example/git/hub/a/b.git'],
  ])('gets a word for %s', async (_name, url) => {
    const said = await credential('get', {
      args: ['--guard', guard],
      env: { FORGEGUARD_TOKEN: token },
      input: question(url),
    });
    expect(said).toMatchObject({ code: 0, stdout: '', stderr: '' });
  });

  test('and without a guard nobody does; an operation that is not known is no failure', async () => {
    const input = question(`${guard}/git/hub/a/b.git`);
    expect(await credential('get', { env: { FORGEGUARD_TOKEN: token }, input })).toMatchObject({
      code: 0,
      stdout: '',
    });
    for (const operation of ['refresh', 'store', 'erase'])
      expect(await credential(operation, { input })).toMatchObject({ code: 0, stdout: '', stderr: '' });
  });

  test('what is no guard’s token service gets the question where it is, and no token', async () => {
    for (const answer of [
      { status: 200, body: '{}' },
      { status: 302, headers: { location: 'http://127.0.0.1:9/' } },
      { status: 200, body: JSON.stringify({ issuer: 'x', token_endpoint: 'y' }) },
    ]) {
      somebody.answer = answer;
      const { origin } = new URL(somebody.url);
      const said = await credential('get', {
        args: ['--guard', origin],
        env: { FORGEGUARD_TOKEN: token },
        input: question(`${origin}/git/hub/a/b.git`),
      });
      expect(said).toMatchObject({ code: 2, stdout: 'quit=1\n' });
      expect(said.stderr).toMatch(/no token service.*\n.*\n {2}code: guard\/unreachable/);
      expect(said.stderr).not.toContain(token);
    }
    expect(JSON.stringify(somebody.received)).not.toContain(token);
  });

  test('the token service is where the guard is, whatever its metadata say', async () => {
    await using elsewhere = await startReceiver();
    const { origin } = new URL(somebody.url);
    somebody.answer = {
      status: 200,
      body: JSON.stringify({
        issuer: origin,
        token_endpoint: `${new URL(elsewhere.url).origin}/oauth/token`,
      }),
    };
    await credential('get', {
      args: ['--guard', origin],
      env: { FORGEGUARD_TOKEN: token },
      input: question(`${origin}/git/hub/a/b.git`),
    });
    expect(elsewhere.received).toEqual([]);
    expect(somebody.received.at(-1)).toMatchObject({ path: '/oauth/token' });
  });
});

test.each([
  ['http to another machine', ['--guard', 'http://guard.invalid'], /use https/],
  ['a URL with a path', ['--guard', `${guard}/path`], /written https:\/\/HOST/],
  [
    'a source that is none',
    ['--guard', guard, '--source', 'magic'],
    /the sources of an identity are token, id-token/,
  ],
  [
    'a file of authorities that is not there',
    ['--guard', guard, '--ca-file', 'nope.pem'],
    /couldn't read the file/,
  ],
])('%s is refused', async (_name, args, message) => {
  const said = await credential('get', {
    args,
    env: { FORGEGUARD_TOKEN: token },
    input: question(`${guard}/git/a/b/c.git`),
  });
  expect(said.code).toBe(2);
  expect(said.stderr).toMatch(message);
});

describe('where the identity comes from', () => {
  async function sourceOf(
    env: Readonly<Record<string, string>>,
    named?: SourceName,
    variable?: string,
  ): Promise<string> {
    const settings = { env, file: undefined, variable, isInteractive: false };
    const { name, found } = await chooseSource(named, settings);
    return `${name}: ${found.shown}`;
  }

  test('is found in the stated order, or as it is told', async () => {
    const file = join(home.path, 'token-file');
    await writeFile(file, token);
    const steps: readonly Readonly<Record<string, string>>[] = [
      { FORGEGUARD_TOKEN: token },
      { FORGEGUARD_ID_TOKEN: token },
      { FORGEGUARD_ID_TOKEN_FILE: file },
      { ACTIONS_ID_TOKEN_REQUEST_URL: somebody.url, ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'request' },
      { FORGEGUARD_SPIFFE_TOKEN_FILE: file },
      { FORGEGUARD_KUBERNETES_TOKEN_FILE: file },
    ];
    const order = await Promise.all(
      steps.map((_step, index) =>
        sourceOf(Object.assign({}, ...steps.slice(index)) as Record<string, string>),
      ),
    );
    expect(order.map((shown) => shown.split(':')[0])).toEqual(sourceNames.slice(0, -1));
    expect(order.join()).not.toContain(token);
    const all = Object.assign({}, ...steps) as Record<string, string>;
    expect(await sourceOf(all, 'spiffe')).toBe(`spiffe: the file ${file}`);
    expect(await sourceOf({ MY_TOKEN: token }, 'id-token', 'MY_TOKEN')).toBe(
      'id-token: the environment variable MY_TOKEN',
    );
    await expect(sourceOf({}, 'spiffe')).rejects.toThrow(/the source spiffe is not here: it needs/);
    await expect(sourceOf({ FORGEGUARD_TOKEN: '' })).rejects.toThrow(/nothing here says who you are/);
  });

  test('whose token it is stays the same when a file is renewed, and not when it is another’s', async () => {
    const file = join(home.path, 'renewed');
    const identityIn = async (subject: string, id: number): Promise<string> => {
      const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
      await writeFile(
        file,
        `${part({ alg: 'RS256' })}.${part({ iss: 'https://i.example', sub: subject, jti: id })}.c2ln`,
      );
      const settings = { env: {}, file, variable: undefined, isInteractive: false };
      const { found } = await chooseSource('kubernetes', settings);
      return found.kind === 'token' ? found.identity : '';
    };
    const first = await identityIn('one', 1);
    expect(first).toMatch(/^[0-9a-f]{64}$/);
    expect(await identityIn('one', 2)).toBe(first);
    expect(await identityIn('two', 3)).not.toBe(first);
  });

  test('nowhere: Git is told to stop, and the person what is looked for', async () => {
    const said = await credential('get', {
      args: ['--guard', guard],
      input: question(`${guard}/git/hub/a/b.git`),
    });
    expect(said).toMatchObject({ code: 2, stdout: 'quit=1\n' });
    expect(said.stderr).toMatch(/code: identity\/no-source/);
    const status = await credential('status', { args: ['--guard', guard] });
    expect(status.code).toBe(1);
    expect(status.stdout).toMatch(/^source +none: nothing here says who you are/m);
    expect(status.stdout).toMatch(
      /^github-actions +a GitHub Actions job with `permissions: id-token: write`$/m,
    );
  });

  test('GitHub Actions is asked for a token for the guard, at its own address, and its redirect is not followed', async () => {
    const { origin } = new URL(somebody.url);
    const env = {
      ACTIONS_ID_TOKEN_REQUEST_URL: `${origin}/actions?api-version=2`,
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: token,
    };
    const ask = (url: string = env.ACTIONS_ID_TOKEN_REQUEST_URL): Promise<Run> =>
      credential('get', {
        args: ['--guard', guard],
        env: { ...env, ACTIONS_ID_TOKEN_REQUEST_URL: url },
        input: question(`${guard}/git/hub/a/b.git`),
      });
    somebody.answer = { status: 307, headers: { location: `${origin}/elsewhere` } };
    const before = somebody.received.length;
    const said = await ask();
    expect(said).toMatchObject({ code: 2, stdout: 'quit=1\n' });
    expect(said.stderr).toMatch(/GitHub Actions gave no identity for this job: .* answered 307/);
    expect(said.stderr).not.toContain(token);
    expect(somebody.received.slice(before)).toMatchObject([
      {
        path: `/actions?api-version=2&audience=${encodeURIComponent(guard)}`,
        headers: { authorization: `Bearer ${token}` },
      },
    ]);
    expect((await ask('http://pipelines.invalid/x')).stderr).toMatch(/is no https URL/);
  });
});

describe('setup', () => {
  const config = (...args: readonly string[]): Promise<Run> =>
    run('git', ['config', ...args], { cwd: home.path, env: isolatedGitEnvironment(home.path) });

  test('writes that Git asks this helper and no other, once however often; remove takes it out', async () => {
    await config('--global', 'credential.helper', 'store');
    const setUp = (...args: readonly string[]): Promise<Run> =>
      run(
        process.execPath,
        [program, 'credential', '--source', 'file', '--token-file', "it's here", 'setup', ...args],
        {
          cwd: home.path,
          env: isolatedGitEnvironment(home.path),
        },
      );
    expect(await setUp(guard)).toMatchObject({ code: 0, stderr: '' });
    const said = await setUp(guard);
    expect(said.stdout).toMatch(/written to Git's configuration \(global\)/);
    const helpers = (await config('--get-all', `credential.${guard}.helper`)).stdout;
    expect(helpers.split('\n')).toEqual([
      '',
      expect.stringMatching(/^!.*launcher\.js credential --guard /),
      '',
    ]);
    expect(helpers).toContain(`--token-file 'it'\\''s here'`);
    expect((await config('--get', `credential.${guard}.useHttpPath`)).stdout).toBe('true\n');

    // Git itself reads it: the helper is asked, finds no file, and Git stops.
    const filled = await run('git', ['credential', 'fill'], {
      cwd: home.path,
      env: isolatedGitEnvironment(home.path),
      input: question(`${guard}/git/hub/a/b.git`),
    });
    expect(filled.code).toBe(128);
    expect(filled.stderr).toMatch(/couldn't read the file it's here[^]*told us to quit/);

    expect(await setUp('--remove', guard)).toMatchObject({ code: 0 });
    expect(await readFile(join(home.path, '.gitconfig'), 'utf8')).not.toContain('guard.invalid');
    expect((await config('--get', 'credential.helper')).stdout).toBe('store\n');
  });

  test('of a repository needs one', async () => {
    const place = join(home.path, 'repository');
    await mkdir(place);
    const setUp = (): Promise<Run> =>
      run(process.execPath, [program, 'credential', 'setup', '--local', guard], {
        cwd: place,
        env: isolatedGitEnvironment(home.path),
      });
    expect((await setUp()).stderr).toMatch(/couldn't change Git's configuration/);
    await run('git', ['init', '--quiet'], { cwd: place, env: isolatedGitEnvironment(home.path) });
    expect(await setUp()).toMatchObject({ code: 0 });
    expect(await readFile(join(place, '.git/config'), 'utf8')).toContain(`[credential "${guard}"]`);
  });
});
