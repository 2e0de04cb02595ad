// The watch for credentials of upstreams: it finds what is planted, in every place and form, and fails the run for it.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { freshDatabase, tablesWithSecrets } from './database.ts';
import { leaksIn, setup } from './leak-watch.ts';
import { startReceiver } from './receiver.ts';
import { run } from './run.ts';
import { temporaryDirectory, type TemporaryDirectory } from './temporary-directory.ts';
import {
  holdsUpstreamSecret,
  leakFileVariable,
  markedHex,
  noteLeak,
  upstreamSecret,
} from './upstream-secret.ts';

const secret = upstreamSecret();
const ofTheRun = process.env[leakFileVariable];
let directory: TemporaryDirectory;
let file: string;
let made = 0;

beforeAll(async () => (directory = await temporaryDirectory('planted')));
// What is planted here is not to fail the run.
beforeEach(() => {
  made += 1;
  file = join(directory.path, `leaks-${made}.txt`);
  process.env[leakFileVariable] = file;
});
afterAll(async () => {
  process.env[leakFileVariable] = ofTheRun;
  await directory.remove();
});

const base64 = (text: string): string => Buffer.from(text).toString('base64');

describe('a credential is known', () => {
  const jwt = ['ghs_12', base64(`{"alg":"ES256"}`), base64(`{"jti":"${secret}"}`), 'c2ln'].join('.');
  test.each([
    ['plain', secret],
    ['in capitals', secret.toUpperCase()],
    ['as the password of a URL', `https://x:${encodeURIComponent(secret)}@host`],
    ['with every byte escaped', [...Buffer.from(secret)].map((byte) => `%${byte.toString(16)}`).join('')],
    ['in hex', Buffer.from(secret).toString('hex')],
    ['in Basic', base64(`guard:${secret}`)],
    ['in Basic, a byte later', base64(`guard1:${secret}`)],
    ['in Basic, two bytes later', base64(`guard12:${secret}`)],
    ['in a JWT', jwt],
    ['in a JWT that is the password of Basic', base64(`x-access-token:${jwt}`)],
    ['with the form of an installation token', base64(`x-access-token:ghs_${markedHex(36)}`)],
  ])('%s', (_form, text) => {
    expect(holdsUpstreamSecret(`before ${text} behind`)).toBe(true);
    expect(holdsUpstreamSecret(Buffer.from(`\0${text}\0`))).toBe(true);
  });

  test('and nothing else is taken for one', () => {
    for (const text of ['', 'c0de', base64('guard:another'), markedHex(8)])
      expect(holdsUpstreamSecret(text)).toBe(false);
  });
});

test('what a program prints and complains', async () => {
  const script = `console.log('${secret}'); console.error('Basic ${base64(`a:${secret}`)}')`;
  await run(process.execPath, ['-e', script], { env: {} });
  await run(process.execPath, ['-e', 'console.log("nothing")'], { env: {} });
  expect(await leaksIn(file)).toEqual([
    `what ${process.execPath} -e printed`,
    `what ${process.execPath} -e complained`,
  ]);
});

test('what is told to a receiver', async () => {
  await using receiver = await startReceiver();
  await fetch(receiver.url, { method: 'POST', body: `{"token":"${secret}"}` });
  expect(await leaksIn(file)).toEqual(['what a receiver is told at /hook']);
});

test('a row of any table, as text, as JSON and as bytes', async () => {
  const database = await freshDatabase();
  const query = (text: string, values: readonly unknown[] = []): Promise<unknown> =>
    database.database.query(text, values);
  expect(await tablesWithSecrets(database.database)).toEqual([]);
  await query('create table planted_text (value text)');
  await query('create table planted_json (value jsonb)');
  await query('create table planted_bytes (value bytea)');
  await query('create table planted_nothing (value text)');
  await query('insert into planted_text values ($1)', [base64(`guard:${secret}`)]);
  await query('insert into planted_json values ($1)', [JSON.stringify({ deep: [secret] })]);
  await query('insert into planted_bytes values ($1)', [Buffer.from(`x${secret}`)]);
  await query('insert into planted_nothing values ($1)', ['nothing']);
  await database[Symbol.asyncDispose]();
  expect((await leaksIn(file)).toSorted()).toEqual([
    'the table planted_bytes',
    'the table planted_json',
    'the table planted_text',
  ]);
});

test('what a tapped process answers, in a header or in two pieces, and how it starts programs', async () => {
  const tap = fileURLToPath(new URL('./guard-tap.ts', import.meta.url));
  const script = `
    import { createServer } from 'node:http';
    import { spawnSync, spawn } from 'node:child_process';
    const secret = process.env.GIVEN;
    const server = createServer((request, response) => {
      if (request.url === '/header') return response.setHeader('x-seen', secret).end('body');
      if (request.url === '/clean') return response.end('clean');
      response.write(secret.slice(0, 9));
      setTimeout(() => response.end(secret.slice(9)), 20);
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    const base = 'http://127.0.0.1:' + server.address().port;
    for (const path of ['/clean', '/header', '/pieces'])
      await (await fetch(base + path, { headers: { connection: 'close' } })).text();
    const ended = (child) => new Promise((resolve) => child.on('close', resolve));
    await ended(spawn('/bin/true', ['--password', secret]));
    await ended(spawn('/bin/false', [], { env: { A: 'b', PASSWORD: secret } }));
    await ended(spawn('/bin/true', [], { stdio: 'ignore' }));
    server.close();`;
  const ended = await run(process.execPath, ['--import', tap, '--input-type=module', '-e', script], {
    env: { GIVEN: secret, [leakFileVariable]: file },
  });
  expect(ended.stderr).toBe('');
  expect(await leaksIn(file)).toEqual([
    'an answer of the guard to GET /header, or to a later one on its connection',
    'an answer of the guard to GET /pieces',
    'the arguments of /bin/true',
    'the environment of /bin/false',
  ]);
});

test('a run with a leak fails and names the place; one without does not', async () => {
  const clean = await setup();
  await clean();
  const end = await setup();
  noteLeak('the place of a leak');
  await expect(end()).rejects.toThrow(/came to light in:\n {2}the place of a leak/);
});
