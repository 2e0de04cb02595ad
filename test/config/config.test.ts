// The configuration: what is read from where, what is refused, and that it is frozen and shows no secret.
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openDocument } from '../../core/document.ts';
import { GuardError } from '../../core/errors.ts';
import { configSchema } from '../../server/config-schema.ts';
import { loadConfig, type Config, type Environment } from '../../server/config.ts';
import { temporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts';

let directory: TemporaryDirectory;
let file: string;

beforeAll(async () => {
  directory = await temporaryDirectory('config');
  file = join(directory.path, 'forgeguard.yaml');
});
afterAll(() => directory.remove());

async function load(text: string, env: Environment = {}): Promise<Config> {
  await writeFile(file, text);
  return loadConfig({ file, env });
}

async function problemsOf(text: string, env: Environment = {}): Promise<string[]> {
  const error: unknown = await load(text, env).then(
    () => new Error('the configuration was accepted'),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(GuardError);
  expect((error as GuardError).code).toBe('config/invalid');
  return (error as GuardError).message.replaceAll(`${file}:`, '').split('\n');
}

const sound = { name: 'hub', url: 'https://hub.example', credential: { mode: 'none' } };
const forge = (more: object): string => JSON.stringify({ forges: [{ ...sound, ...more }] });

describe('without a file', () => {
  const elsewhere = process.cwd();

  test('the guard is a sandbox with safe defaults', async () => {
    const empty = join(directory.path, 'empty');
    await mkdir(empty);
    process.chdir(empty);
    try {
      expect(await loadConfig({ env: {} })).toEqual({
        sandbox: true,
        file: undefined,
        listen: { host: '127.0.0.1', port: 8080, trustProxy: [], clientCertHeader: false, tls: undefined },
        publicUrl: undefined,
        dataDir: join(process.cwd(), '.forgeguard'),
        database: { url: undefined },
        redis: { url: undefined },
        forges: [],
        people: {
          providers: [],
          roles: [],
          memberGroups: [],
          session: { idle: 1_800, absolute: 43_200 },
          scimToken: undefined,
        },
        identity: {
          issuers: [],
          certificates: [],
          sessions: { maxLifetime: 900 },
          tokens: { maxLifetime: 90 * 86_400 },
        },
        audit: { retentionDays: 2_192, publicProofs: false, anchor: undefined, sinks: [], witnesses: [] },
        approvals: {
          remindAfter: 4 * 3_600,
          heldDirectory: join(empty, '.forgeguard', 'held'),
          heldBytes: 50 * 2 ** 30,
          mostWaiting: 100,
        },
        notifications: [],
        alerts: { repeatedDenials: { count: 5, within: 900 } },
        reports: { chromium: undefined },
        policyFile: undefined,
        limits: {
          packBytes: 4 * 2 ** 30,
          objectBytes: 512 * 2 ** 20,
          unpackedBytes: 64 * 2 ** 30,
          objects: 2_000_000,
          refUpdates: 1_000,
          pushOptions: 32,
          pathBytes: 4_096,
          refNameBytes: 512,
          concurrentPushes: 64,
          pushSeconds: 1_800,
          upstreamSeconds: 60,
          advertisedRefs: 500_000,
          findingsListed: 20,
          failedCredential: 10,
          failedAddress: 200,
          lockoutSeconds: 30,
          addressRequestsPerMinute: 12_000,
          requestsPerMinute: 6_000,
          pushBytesPerHour: 256 * 2 ** 30,
          principalPushes: 32,
          apiRequestsPerMinute: 300,
        },
        weakenings: [],
      });
      await writeFile('forgeguard.yaml', 'listen: 127.0.0.1:1');
      expect(await loadConfig({ env: {} })).toMatchObject({ sandbox: false, listen: { port: 1 } });
      await rm('forgeguard.yaml');
    } finally {
      process.chdir(elsewhere);
    }
  });

  test('a file that is named must be there', async () => {
    const missing = join(directory.path, 'missing.yaml');
    for (const options of [{ file: missing, env: {} }, { env: { FORGEGUARD_CONFIG: missing } }]) {
      await expect(loadConfig(options)).rejects.toMatchObject({ code: 'config/unreadable' });
    }
  });
});

describe('environment variables', () => {
  test('come before the file', async () => {
    const config = await load('listen: 127.0.0.1:1\ndataDir: a\npublicUrl: https://a.example', {
      PORT: '2',
      HOST: '127.0.0.2',
      FORGEGUARD_DATA_DIR: '/x',
      FORGEGUARD_PUBLIC_URL: 'https://b.example/',
      DATABASE_URL: 'postgres://a@b/c',
      REDIS_URL: '',
    });
    expect(config).toMatchObject({
      sandbox: false,
      listen: { host: '127.0.0.2', port: 2 },
      dataDir: '/x',
      publicUrl: 'https://b.example',
    });
    expect(config.database.url?.reveal()).toBe('postgres://a@b/c');
    expect(config.redis.url).toBeUndefined();
  });

  test.each([
    [{ PORT: '70000' }, /PORT is not a TCP port/],
    [{ PORT: 'x' }, /PORT is not a TCP port/],
    [{ FORGEGUARD_PUBLIC_URL: 'ftp://x' }, /FORGEGUARD_PUBLIC_URL is not/],
    [{ HOST: '0.0.0.0' }, /dangerouslyAllowPlainHttpListen/],
  ])('%j is refused', async (env, message) => {
    expect((await problemsOf('{}', env)).join('\n')).toMatch(message);
  });
});

describe('a configuration that is wrong', () => {
  test('is told everything at once, with line and column', async () => {
    const text = `listen: 0.0.0.0
forges:
  - name: github
    url: https://github.com/
    credential: { mode: basic, username: x, password: hunter2 }
  - name: gitea
    url: http://gitea.local:3000
    credential: { mode: bearer, token: { env: NOPE } }
  - name: GitHub
    url: http://u:p@x
    credential: { mode: magic }
registries: [a]
limits: { packBytes: 2 apples, objets: 3 }
database: { url: 'postgres://u:pw@h/db' }
audit: { retentionDays: 10, sinks: [] }
identity: { saml: {} }
`;
    const problems = await problemsOf(text);
    expect(problems).toEqual([
      '1:9: expected an address such as 127.0.0.1:8080 or [::1]:8080 at listen',
      '5:55: secrets are never written here: name an environment variable, {env: NAME}, a file, {file: PATH}, or a program, {command: [PROGRAM, ARG]} at forges[0].credential.password',
      '7:10: http to another machine is refused: use https, or set `dangerouslyAllowPlainHttp: true` at forges[1].url',
      '9:11: a name is written with a-z, 0-9 and "-", at most 63 characters at forges[2].name',
      '10:10: expected an http or https URL without user name, password, query and fragment at forges[2].url',
      '11:25: expected `mode` to be one of none, basic, bearer, github-app, passthrough at forges[2].credential.mode',
      '12:13: not available in this version; remove it at registries',
      '13:22: expected a number of bytes such as 1048576 or 2GiB at limits.packBytes',
      '13:32: unknown key `objets` at limits; did you mean `objects`?',
      '14:18: a URL with a password is a secret: write {env: NAME} or {file: PATH} at database.url',
      '15:25: must be at least 2192 at audit.retentionDays',
      '16:19: expected a list, but this is a mapping at identity.saml',
    ]);
    expect(problems.join()).not.toMatch(/hunter2|pw@/);
  });

  test.each([
    [forge({ credential: { mode: 'bearer', token: { env: 'NOPE' } } }), /NOPE is not set at|NOPE is not set/],
    [forge({ credential: { mode: 'bearer', token: { file: 'nope' } } }), /couldn't read the file .*nope/],
    [forge({ credential: { mode: 'bearer', token: { env: 'LINES' } } }), /more than one line/],
    [forge({ credential: undefined }), /`credential` is missing/],
    [forge({ caFile: 'nope.pem' }), /couldn't read the file/],
    [forge({ allowRedirectsTo: ['https://x/path'] }), /origin without a path/],
    [forge({ allowRedirectsTo: ['nonsense'] }), /expected an http or https URL/],
    [forge({ allowRedirectsTo: ['http://10.0.0.1'] }), /http to another machine/],
    [forge({ repositories: ['!x'] }), /`not`/],
    [JSON.stringify({ forges: [sound, sound] }), /hub is used twice/],
    ['publicUrl: https://x.example/path', /has no path/],
    ['listen: 0.0.0.0:80', /needs TLS/],
    ['limits: { concurrentPushes: 0 }', /at least 1/],
    ['limits: { packBytes: 5TiB }', /at most/],
    ['database: { url: mysql://x/y }', /postgres:/],
    ['identity: { tokens: { maxLifetime: 91d } }', /between 1m and 90d/],
    ['policy: x', /did you mean `policyFile`/],
    ['logSources: [{}]', /not available/],
    ['audit: { witness: [{ url: https://w.example, key: x }] }', /the key that `forgeguard witness` prints/],
  ])('%s', async (text, message) => {
    expect((await problemsOf(text, { LINES: 'a\nb' })).join('\n')).toMatch(message);
  });
});

test('no document makes the reader fail in another way', () => {
  const parts = [
    'listen',
    'forges',
    'name',
    'url',
    'credential',
    'mode',
    'token',
    'env',
    'limits',
    'audit',
    'identity',
  ];
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: 'medium' },
      fc.constantFrom(null, 1, true, '', 'x', 'https://x', 'http://x', 'basic', '[::1]:1', '{'),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom(...parts, '__proto__'), tie('value'), { maxKeys: 4 }),
    ),
  }));
  const keys = [
    ...Object.keys(sound),
    'repositories',
    'allowRedirectsTo',
    'caFile',
    'dangerouslyAllowPlainHttp',
  ];
  const read = (document: unknown): void => {
    try {
      openDocument(configSchema, JSON.stringify(document), { name: 'x', code: 'config/invalid' });
    } catch (error) {
      expect(error).toBeInstanceOf(GuardError);
    }
  };
  fc.assert(
    fc.property(fc.constantFrom(...keys), value, (key, wrong) => {
      read({ forges: [{ ...sound, [key]: wrong }] });
      read({ listen: wrong, database: { url: wrong }, publicUrl: wrong });
      read(wrong);
    }),
    { numRuns: 300 },
  );
});

test('a file that is too large is refused', async () => {
  expect(await problemsOf(`#${' '.repeat(1_048_576)}`)).toMatchObject([
    expect.stringMatching(/larger than 1048576 bytes/),
  ]);
});

describe('what is read', () => {
  test('forges with their credentials', async () => {
    await writeFile(join(directory.path, 'password'), 'from-file\n');
    const config = await load(
      `forges:
  - name: a
    url: https://a.example/base/
    credential: { mode: basic, username: bot, password: { file: password } }
    repositories: ['acme/**']
    allowRedirectsTo: ['https://b.example/']
  - { name: b, url: 'http://127.0.0.1:3000', credential: { mode: bearer, token: { env: TOKEN } } }
registries: []
logSources: []
`,
      { TOKEN: 'from-environment' },
    );
    expect(config.forges).toMatchObject([
      {
        url: 'https://a.example/base',
        credential: { mode: 'basic', username: 'bot' },
        repositories: ['acme/**'],
        allowRedirectsTo: ['https://b.example'],
      },
      {
        url: 'http://127.0.0.1:3000',
        credential: { mode: 'bearer' },
        repositories: ['**'],
        allowRedirectsTo: [],
      },
    ]);
    const [a, b] = config.forges.map(({ credential }) => credential);
    expect(a?.mode === 'basic' && a.password).toEqual({
      kind: 'file',
      path: join(directory.path, 'password'),
    });
    expect(b?.mode === 'bearer' && b.token.kind === 'value' && b.token.value.reveal()).toBe(
      'from-environment',
    );
    expect(config.weakenings).toEqual([]);
    for (const shown of [
      inspect(config, { depth: 9, showHidden: true }),
      JSON.stringify(config),
      b?.mode === 'bearer' && b.token.kind === 'value' ? b.token.value.toString() : 'nothing',
    ]) {
      expect(shown).not.toMatch(/from-file|from-environment/);
    }
  });

  test('units', async () => {
    const { limits } = await load('limits: { packBytes: 1.5 GiB, pushSeconds: 30m, upstreamSeconds: 5 }');
    expect(limits).toMatchObject({ packBytes: 1.5 * 2 ** 30, pushSeconds: 1_800, upstreamSeconds: 5 });
  });

  test('names relative to the file', async () => {
    const config = await load('policyFile: policy.yaml\ndataDir: ../data');
    expect(config.policyFile).toBe(join(directory.path, 'policy.yaml'));
    expect(config.dataDir).toBe(join(directory.path, '../data'));
  });

  test('is frozen throughout', async () => {
    const config = await load(forge({}));
    expect(() => Reflect.set(config, 'sandbox', true)).not.toThrow();
    expect(config.sandbox).toBe(false);
    for (const value of [
      config,
      config.listen,
      config.forges,
      config.forges[0],
      config.limits,
      config.weakenings,
    ]) {
      expect(Object.isFrozen(value)).toBe(true);
    }
  });

  test('weakenings are collected', async () => {
    const config = await load(
      JSON.stringify({
        listen: '0.0.0.0:8080',
        dangerouslyAllowPlainHttpListen: true,
        forges: [
          { ...sound, url: 'http://git.internal', dangerouslyAllowPlainHttp: true },
          { ...sound, name: 'pass', credential: { mode: 'passthrough' } },
        ],
      }),
    );
    expect(config.weakenings).toEqual([
      'the forge hub is reached by plain http: credentials and content can be read on the network',
      "the forge pass gets the clients' own credentials: the guard does not know who acts",
      'the guard listens on 0.0.0.0 for plain http: tokens and content can be read on the network',
    ]);
    expect((await load('listen: 0.0.0.0:8080\npublicUrl: https://g.example')).weakenings).toEqual([]);
  });
});
