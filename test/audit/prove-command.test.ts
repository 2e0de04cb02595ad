// `forgeguard audit prove` as a user runs it, and what a stranger does with the file: he has it and the verifier key.
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createAuditLog } from '../../server/audit/log.ts';
import { openDatabase } from '../../server/db.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../server/embedded-postgres.ts';
import { forgeguard } from '../cli/program.ts';
import { auditEvents } from '../support/audit.ts';
import { run, type Run } from '../support/run.ts';
import { temporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts';

let guard: TemporaryDirectory;
let stranger: TemporaryDirectory;
let postgres: EmbeddedPostgres;
let key: string;

beforeAll(async () => {
  guard = await temporaryDirectory('audit-prove');
  stranger = await temporaryDirectory('stranger');
  // The commands reach the database that runs, as beside a guard.
  postgres = await startEmbeddedPostgres({ dataDir: guard.path });
  await using database = await openDatabase(postgres.url);
  const clock = { now: () => new Date('2026-03-01T12:00:00.000Z') };
  await using log = await createAuditLog({ database, dataDir: guard.path, clock, origin: 'guard.example' });
  await Promise.all(auditEvents(290).map((event) => log.append(event)));
  await writeFile(join(stranger.path, 'kept'), log.head.note);
  await Promise.all(auditEvents(10).map((event) => log.append(event)));
  key = log.verifierKey;
});
afterAll(async () => {
  await postgres[Symbol.asyncDispose]();
  await guard.remove();
  await stranger.remove();
});

const prove = (...args: string[]): Promise<Run> =>
  forgeguard(guard.path, ['audit', 'prove', ...args], { FORGEGUARD_DATA_DIR: guard.path });
/** On another machine: no configuration, no data directory. */
const verify = (...args: string[]): Promise<Run> =>
  forgeguard(stranger.path, ['audit', 'verify', ...args, '--key', key]);

async function given(name: string, text: string): Promise<string> {
  await writeFile(join(stranger.path, name), text);
  return name;
}

describe('that an entry is in the log', () => {
  test.each([0, 255, 256, 299])('%i', async (index) => {
    const proof = await prove(String(index));
    expect(proof).toMatchObject({ code: 0, stderr: '' });
    expect(proof.stdout).toMatch(/^c2sp\.org\/tlog-proof@v1\nextra [^\n]+\nindex \d+\n/);
    const result = await verify(await given('proof', proof.stdout));
    expect(result).toMatchObject({ code: 0, stderr: '' });
    expect(result.stdout).toMatch(
      new RegExp(`^entry ${index} of 3\\d\\d in guard\\.example\n{"action":"push\\.received"`),
    );
    expect(result.stdout).toMatch(/ok\n$/);
  });

  test('into a file that only its owner reads and that did not exist', async () => {
    const path = join(guard.path, 'three.tlog-proof');
    expect(await prove('3', '--out', path)).toMatchObject({ code: 0, stdout: '' });
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await verify(await given('proof', await readFile(path, 'utf8')))).toMatchObject({ code: 0 });
    expect(await prove('4', '--out', path)).toMatchObject({ code: 2 });
  });

  test.each<[string, (text: string) => string]>([
    ['another number', (text) => text.replace('index 7', 'index 8')],
    ['another entry', (text) => text.replace(/extra .*/, `extra ${btoa('{"action":"push.refused"}')}`)],
    ['a changed hash', (text) => text.replace(/^(index 7\n)./m, '$1!').replace('!', 'A')],
    ['a hash left out', (text) => text.replace(/^(index 7\n).*\n/m, '$1')],
    ['another size', (text) => text.replace(/^3\d\d$/m, '999')],
    ['no entry', (text) => text.replace(/extra .*\n/, '')],
  ])('is not shown with %s', async (_name, change) => {
    const proof = (await prove('7')).stdout;
    const changed = change(proof);
    expect(changed).not.toBe(proof);
    const result = await verify(await given('proof', changed));
    expect(result).toMatchObject({ code: 1, stderr: '' });
    expect(result.stdout).toMatch(/^problem: .*\nNOT OK\n$/);
  });

  test('is not shown to somebody who trusts another key', async () => {
    const proof = await given('proof', (await prove('7')).stdout);
    const other = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';
    const result = await forgeguard(stranger.path, ['audit', 'verify', proof, '--key', other]);
    expect(result).toMatchObject({
      code: 1,
      stdout: 'problem: its checkpoint is not signed by PeterNeumann, key c74f20a3\nNOT OK\n',
    });
  });
});

describe('that the log continues an earlier one', () => {
  test('for somebody who has kept its checkpoint', async () => {
    const proof = await given('continued', (await prove('--since', '290')).stdout);
    const result = await verify(proof, '--checkpoint', 'kept');
    expect(result).toMatchObject({ code: 0, stderr: '' });
    expect(result.stdout).toMatch(/^the log guard\.example of 3\d\d entries continues that of 290\nok\n$/);
    expect(await verify(proof)).toMatchObject({
      code: 1,
      stdout: 'problem: name the checkpoint of 290 entries with --checkpoint\nNOT OK\n',
    });
  });

  test('but not with another proof', async () => {
    const text = (await prove('--since', '290')).stdout.replace(/^(old 290\n).*\n/, '$1');
    const result = await verify(await given('continued', text), '--checkpoint', 'kept');
    expect(result).toMatchObject({ code: 1, stderr: '' });
    expect(result.stdout).toMatch(/^problem: the log of 3\d\d entries does not continue that of 290\n/);
  });
});

test.each([
  [['3000'], 'the newest checkpoint of the audit log covers 3'],
  [['--since', '3001'], 'the newest checkpoint of the audit log covers 3'],
  [['seven'], 'written as whole numbers'],
  [[], 'name either the number of an entry or --since'],
  [['1', '--since', '1'], 'name either the number of an entry or --since'],
])('prove %j cannot be done', async (args, message) => {
  const result = await prove(...args);
  expect(result).toMatchObject({ code: 2, stdout: '' });
  expect(result.stderr).toContain(message);
});

describe('an evidence pack', () => {
  const exportPack = (...args: string[]): Promise<Run> =>
    forgeguard(guard.path, ['audit', 'export', ...args], { FORGEGUARD_DATA_DIR: guard.path });

  test('is verified by a stranger, packed and unpacked, by both verifiers', async () => {
    const path = join(stranger.path, 'pack.tar.gz');
    const made = await exportPack('--from', '2026-03-01', '--to', '2026-03-02', '--out', path);
    expect(made).toMatchObject({ code: 0, stderr: '' });
    expect(made.stdout.slice(path.length)).toMatch(/^: entries 0 to 299 of 3\d\d\n$/);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const good = { code: 0, stderr: '', stdout: made.stdout.slice(path.length + 2) + 'ok\n' };
    expect(await verify('pack.tar.gz', '--checkpoint', 'kept')).toMatchObject(good);
    const env = { PATH: process.env['PATH'] ?? '' };
    expect(await run('tar', ['xzf', 'pack.tar.gz'], { cwd: stranger.path, env })).toMatchObject({ code: 0 });
    expect(await verify('forgeguard-audit', '--checkpoint', 'kept')).toMatchObject(good);
    const python = ['forgeguard-audit/verify.py', '--key', key, '--checkpoint', 'kept'];
    expect(await run('python3', python, { cwd: stranger.path, env })).toMatchObject(good);
  });

  test.each([
    [['--from', 'yesterday'], '--from is written as a day'],
    [['--to', '2026-13-01'], '--to is written as a day'],
    [['--from', '2036-01-01'], 'no entries of this period'],
    [['--out', 'there'], 'there is there already'],
  ])('is not made of %j', async (args, message) => {
    await writeFile(join(guard.path, 'there'), '');
    const result = await exportPack(...args);
    expect(result).toMatchObject({ code: 2, stdout: '' });
    expect(result.stderr).toContain(message);
  });
});

test('who took a proof is on record', async () => {
  const before = (await prove('0')).stdout;
  const size = Number(/^(3\d\d)$/m.exec(before)?.[1]);
  const record = await prove(String(size));
  const shown = await verify(await given('proof', record.stdout));
  expect(shown.stdout).toContain('"action":"audit.exported"');
  expect(shown.stdout).toMatch(/"details":{"by":"local:[^"]+","index":0,"kind":"entry","what":"proof"}/);
});

test('a file that is no proof is not verified', async () => {
  expect(await verify(await given('other', 'hello\n'))).toMatchObject({ code: 2 });
  expect(await verify('missing')).toMatchObject({ code: 2 });
});
