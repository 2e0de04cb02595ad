// `forgeguard token` and `forgeguard doctor` beside a running database.
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startEmbeddedPostgres, type EmbeddedPostgres } from '../../server/embedded-postgres.ts';
import { formOf } from '../../server/identity/guard-token.ts';
import { testRedis } from '../support/redis.ts';
import type { Run } from '../support/run.ts';
import { temporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts';
import { forgeguard } from './program.ts';

let directory: TemporaryDirectory;
let postgres: EmbeddedPostgres;
beforeAll(async () => {
  directory = await temporaryDirectory('cli-token');
  postgres = await startEmbeddedPostgres({ dataDir: join(directory.path, '.forgeguard') });
});
afterAll(async () => {
  await postgres.stop();
  await directory.remove();
});

const fg = (...args: string[]): Promise<Run> => forgeguard(directory.path, args);
const usual = ['--purpose', 'tests', '--expires', '30d', '--scope', 'hub/acme/*:fetch,push'];

describe('token', () => {
  test('is created, listed without itself, and revoked', async () => {
    const created = await fg('token', 'create', '--agent', 'bot', '--owner', 'ada@example.org', ...usual);
    expect(created.code).toBe(0);
    const token = created.stdout.trim();
    expect(formOf(token)).toBe('guard-token');
    const id = /^(tok-[0-9a-f]{16}) for agent:bot, until /.exec(created.stderr)?.[1] ?? '';

    const listed = await fg('token', 'list', '--format', 'json');
    expect(JSON.parse(listed.stdout)).toMatchObject([
      {
        id,
        principal: 'agent:bot',
        owner: 'human:ada@example.org',
        onBehalfOf: ['human:ada@example.org'],
        purpose: 'tests',
        scopes: [{ repository: 'hub/acme/*', verbs: ['fetch', 'push'] }],
        lastUse: null,
      },
    ]);
    const table = await fg('token', 'list');
    expect(table.stdout).toMatch(new RegExp(`^${id} +valid +agent:bot +human:ada@example\\.org +`, 'm'));
    for (const { stdout } of [listed, table]) expect(stdout).not.toContain(token.slice(3, 20));

    expect((await fg('token', 'revoke', id)).stdout).toMatch(/is revoked/);
    expect((await fg('token', 'list')).stdout).toMatch(new RegExp(`^${id} +revoked`, 'm'));
  });

  test('all of an agent, all of a person, and a session are revoked', async () => {
    const create = (name: string, owner: string): Promise<Run> =>
      fg('token', 'create', '--agent', name, '--owner', owner, '--format', 'json', ...usual);
    await create('one', 'grace');
    await create('two', 'heidi');
    await create('three', 'heidi');
    const byAgent = await fg('token', 'revoke', '--agent', 'one');
    expect(byAgent).toMatchObject({ code: 0 });
    expect(byAgent.stdout).toMatch(/everything that agent:one has, .* is revoked/);
    const byOwner = await fg('token', 'revoke', '--owner', 'heidi', '--format', 'json');
    expect(JSON.parse(byOwner.stdout)).toMatchObject({ revoked: { kind: 'principal', id: 'human:heidi' } });
    const listed = (await fg('token', 'list')).stdout;
    for (const name of ['one', 'two', 'three'])
      expect(listed).toMatch(new RegExp(`revoked +agent:${name} `, 'm'));
    const unknown = await fg('token', 'revoke', '--session', 'ses-none');
    expect(unknown).toMatchObject({ code: 2 });
    expect(unknown.stderr).toMatch(/no session with this id/);
    expect((await fg('token', 'revoke', 'jwt-none')).stderr).toMatch(/no session with this id/);
    expect((await fg('token', 'revoke', '--agent', 'a', '--owner', 'b')).stderr).toMatch(/name one: an id/);
    expect((await fg('token', 'revoke')).stderr).toMatch(/name one: an id/);
  });

  test('of a person is owned by that person and acts for nobody', async () => {
    const created = await fg(
      'token',
      'create',
      '--human',
      'ada',
      '--group',
      'reviewers',
      '--format',
      'json',
      ...usual,
    );
    expect(JSON.parse(created.stdout)).toMatchObject({
      principal: 'human:ada',
      owner: 'human:ada',
      onBehalfOf: [],
      groups: ['reviewers'],
    });
  });

  test.each([
    [['create', '--owner', 'ada', ...usual], /name one of --agent, --human and --workload/],
    [['create', '--agent', 'a', '--human', 'b', ...usual], /name one of/],
    [['create', '--agent', 'a', ...usual], /needs --owner/],
    [['create', '--agent', 'a', '--owner', 'ada', ...usual, '--expires', '91d'], /90 days at most/],
    [['create', '--agent', 'a', '--owner', 'ada', ...usual, '--expires', 'soon'], /time span/],
    [['create', '--agent', 'a', '--owner', 'ada', ...usual, '--scope', 'hub/*'], /GLOB:VERB/],
    [
      ['create', '--agent', 'a', '--owner', 'ada', ...usual, '--scope', 'hub/*:fetch,pull'],
      /--scope: the verbs of a scope are/,
    ],
    [['revoke', 'tok-0'], /no token with this id/],
    [['create', '--agent', 'a', '--owner', 'ada', '--purpose', 'x'], /required option/],
  ])('%j is refused', async (args, message) => {
    const result = await fg('token', ...args);
    expect(result).toMatchObject({ code: 2, stdout: '' });
    expect(result.stderr).toMatch(message);
  });

  test('without a database says so', async () => {
    const empty = join(directory.path, 'empty');
    await mkdir(empty);
    const result = await forgeguard(empty, ['token', 'list']);
    expect(result.code).toBe(2);
    expect(result.stderr).toMatch(
      /there is no database in .*empty.*\n.*\n {2}code: database\/unavailable\n$/,
    );
  });
});

describe('doctor', () => {
  test('finds nothing wrong where nothing is', async () => {
    const result = await fg('doctor');
    expect(result).toMatchObject({ code: 0, stderr: '' });
    expect(result.stdout).toMatch(/^ok {4}git: git version/m);
    expect(result.stdout).toMatch(/^ok {4}database: PostgreSQL \d+/m);
    expect(result.stdout).not.toMatch(/^FAIL/m);
  });

  test('tells what is wrong and what to do', async () => {
    const server = createServer((_request, response) => response.writeHead(404).end());
    await new Promise<void>((settle) => server.listen(0, '127.0.0.1', settle));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    await writeFile(
      join(directory.path, 'sick.yaml'),
      JSON.stringify({
        dataDir: '/proc/forgeguard',
        policyFile: 'none.yaml',
        database: { url: 'postgres://nobody@127.0.0.1:1/none' },
        forges: [
          { name: 'up', url: `http://127.0.0.1:${port}`, credential: { mode: 'passthrough' } },
          { name: 'down', url: 'http://127.0.0.1:1', credential: { mode: 'none' } },
          {
            name: 'good',
            url: `http://127.0.0.1:${port}`,
            credential: { mode: 'bearer', token: { command: ['/bin/echo', 'word'] } },
          },
          {
            name: 'bad',
            url: `http://127.0.0.1:${port}`,
            credential: { mode: 'bearer', token: { command: ['/bin/false', 'word'] } },
          },
        ],
      }),
    );
    const result = await fg('doctor', '--config', 'sick.yaml');
    server.close();
    expect(result.code).toBe(1);
    for (const line of [
      /^FAIL {2}data directory: \/proc cannot be written\n {6}Set dataDir/m,
      /^FAIL {2}policy: couldn't read the policy .*none\.yaml\n/m,
      /^FAIL {2}database: /m,
      /^ok {4}forge up: answers 404$/m,
      /^FAIL {2}forge down: ECONNREFUSED\n {6}Check forges/m,
      /^ok {4}credential of good: bearer: there is one$/m,
      /^FAIL {2}credential of bad: .* the command \/bin\/false ended with 1\n/m,
      /^warn {2}weakened: the forge up gets the clients' own credentials/m,
    ]) {
      expect(result.stdout).toMatch(line);
    }
  });

  test('looks at Redis where the queue is to be there, and shows no password', async () => {
    const doctor = async (redisUrl: string): Promise<string> => {
      const result = await forgeguard(directory.path, ['doctor'], { REDIS_URL: redisUrl });
      expect(result.stdout.includes('FAIL')).toBe(result.code === 1);
      return result.stdout;
    };
    await using redis = await testRedis();
    expect(await doctor(redis.url)).toMatch(/^ok {4}Redis: \d+\.\d+\.\d+, maxmemory-policy noeviction$/m);
    await redis.send('config', 'set', 'maxmemory-policy', 'allkeys-lru');
    expect(await doctor(redis.url)).toMatch(
      /^warn {2}Redis: .*allkeys-lru\n {6}Redis may drop jobs: set maxmemory-policy to noeviction/m,
    );
    const password = ['not', 'the', 'word'].join('-');
    await redis.send('config', 'set', 'requirepass', 'another');
    const refused = await doctor(redis.url.replace('//', `//:${password}@`));
    expect(refused).toMatch(/^FAIL {2}Redis: WRONGPASS/m);
    expect(refused).not.toContain(password);
    await redis.stop();
    expect(await doctor(redis.url)).toMatch(/^FAIL {2}Redis: .*ECONNREFUSED.*\n {6}Nothing is lost/m);
  });

  test('tells every problem of a configuration', async () => {
    await writeFile(join(directory.path, 'wrong.yaml'), 'lisen: x\nforges: 3\n');
    const result = await fg('doctor', '--config', 'wrong.yaml');
    expect(result.code).toBe(1);
    expect(result.stdout).toMatch(/did you mean `listen`/);
    expect(result.stdout).toMatch(/wrong\.yaml:2:9: expected a list/);
  });

  test('prints the JSON Schema of the configuration', async () => {
    const schema: unknown = JSON.parse((await fg('doctor', '--schema')).stdout);
    expect(schema).toMatchObject({
      type: 'object',
      additionalProperties: false,
      properties: { forges: { type: 'array' } },
    });
  });
});
