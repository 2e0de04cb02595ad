// Secrets from files that change and from programs: read again when they must be, told of without what they hold.
import { mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { GuardError } from '../../core/errors.ts';
import { openSecret, type SecretReader, type SecretSource } from '../../server/secret-source.ts';
import { temporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts';

let directory: TemporaryDirectory;
let elapsed = 0;
const now = (): number => elapsed;
const shape = ['a', 'value', 'that', 'nobody', 'may', 'see'].join('-');

beforeAll(async () => (directory = await temporaryDirectory('secrets')));
afterAll(() => directory.remove());

const pathOf = (name: string): string => join(directory.path, name);
const shown = async (reader: SecretReader): Promise<string> => (await reader.read()).reveal();

async function faultOf(reader: SecretReader): Promise<string> {
  const thrown: unknown = await reader.read().catch((error: unknown) => error);
  if (!(thrown instanceof GuardError)) throw new Error('a secret was given');
  expect(thrown.code).toBe('upstream/no-credential');
  expect(`${thrown.stack ?? ''} ${String(thrown.cause)}`).not.toContain(shape);
  return thrown.message;
}

test('a file is read again when it was written, replaced, or its link moved', async () => {
  const path = pathOf('token');
  await writeFile(path, 'one\n');
  const reader = openSecret({ kind: 'file', path }, { now });
  expect(await shown(reader)).toBe('one');
  await writeFile(path, 'two\n');
  expect(await shown(reader)).toBe('two');
  await writeFile(pathOf('next'), 'six\r\n');
  await rename(pathOf('next'), path);
  expect(await shown(reader)).toBe('six');

  // As Kubernetes changes a mounted secret.
  for (const name of ['old', 'new']) {
    await mkdir(pathOf(name));
    await writeFile(join(pathOf(name), 'token'), name);
  }
  await symlink('old', pathOf('data'));
  const mounted = openSecret({ kind: 'file', path: join(pathOf('data'), 'token') }, { now });
  expect(await shown(mounted)).toBe('old');
  await symlink('new', pathOf('data.next'));
  await rename(pathOf('data.next'), pathOf('data'));
  expect(await shown(mounted)).toBe('new');
});

test.each([
  ['is gone', () => rm(pathOf('bad'), { force: true }), /the file .*bad cannot be read/],
  ['is empty', () => writeFile(pathOf('bad'), '\n'), /is empty/],
  ['has lines', () => writeFile(pathOf('bad'), `${shape}\n${shape}\n`), /more than one line/],
  ['is large', () => writeFile(pathOf('bad'), shape.repeat(5_000)), /more than 65536 bytes/],
])(
  'a file that %s gives no credential, and what it held before is not used on',
  async (_name, spoil, message) => {
    await writeFile(pathOf('bad'), 'good');
    const reader = openSecret({ kind: 'file', path: pathOf('bad') }, { now });
    expect(await shown(reader)).toBe('good');
    await spoil();
    expect(await faultOf(reader)).toMatch(message);
  },
);

interface Program {
  readonly body: string;
  readonly timeout?: number;
  readonly cacheFor?: number;
}

function program({ body, timeout = 10, cacheFor = 300 }: Program): SecretReader {
  const source: SecretSource = {
    kind: 'command',
    program: process.execPath,
    args: [
      '-e',
      `const { appendFileSync: add } = require('fs'); add(process.argv[1], '.'); ${body}`,
      pathOf('runs'),
    ],
    timeout,
    cacheFor,
  };
  return openSecret(source, { now });
}

const runs = async (): Promise<number> => (await readFile(pathOf('runs'), 'utf8').catch(() => '')).length;

test('a program runs once however many ask, and again when its output is old or was refused', async () => {
  const before = await runs();
  const reader = program({ body: 'console.log(process.pid)' });
  const first = await Promise.all(Array.from({ length: 5 }, () => shown(reader)));
  expect(new Set(first).size).toBe(1);
  expect(first[0]).toMatch(/^\d+$/);
  reader.refused();
  expect(await shown(reader)).toBe(first[0]);
  elapsed += 11_000;
  reader.refused();
  expect(await shown(reader)).not.toBe(first[0]);
  elapsed += 301_000;
  await shown(reader);
  expect((await runs()) - before).toBe(3);
});

test('a program has its arguments as they are: no shell reads them', async () => {
  const words = ['$HOME', '`id`', 'a;b', ' * '];
  const source = {
    kind: 'command',
    program: '/usr/bin/printf',
    args: ['%s|', ...words],
    timeout: 5,
    cacheFor: 0,
  } as const;
  expect(await shown(openSecret(source, { now }))).toBe(`${words.join('|')}|`);
});

test.each<[string, Program, RegExp]>([
  ['fails', { body: `console.log('${shape}'); process.exit(3)` }, /ended with 3$/],
  ['says it on stderr', { body: `console.error('${shape}'); process.exit(1)` }, /ended with 1$/],
  ['prints nothing', { body: '' }, /output of the command .* is empty/],
  ['prints lines', { body: `console.log('${shape}\\n${shape}')` }, /more than one line/],
  [
    'prints without an end',
    { body: `setInterval(() => console.log('${shape}'.repeat(999)), 1)` },
    /wrote more than 65536 bytes/,
  ],
  [
    'never ends',
    { body: `console.log('${shape}'); setInterval(() => 0, 1000)`, timeout: 1 },
    /took longer than 1 s/,
  ],
])('a program that %s gives no credential', async (_name, what, message) => {
  expect(await faultOf(program(what))).toMatch(message);
});

test('a program that is not there gives no credential', async () => {
  const source = { kind: 'command', program: pathOf('nothing'), args: [], timeout: 5, cacheFor: 5 } as const;
  expect(await faultOf(openSecret(source, { now }))).toMatch(/could not be started \(ENOENT\)/);
});
