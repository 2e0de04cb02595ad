// Checkpoints in a directory: one file each, never written again; what stands in the way is on record once.
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseEntry } from '../../core/audit-entry.ts';
import { openCheckpoint } from '../../core/checkpoint.ts';
import { anchorBucket } from '../../server/audit/anchor-bucket.ts';
import { anchorDirectory, anchorName, startAnchoring } from '../../server/audit/anchoring.ts';
import { readEntries } from '../../server/audit/store.ts';
import { anchorDirectoryOf, createAnchorRepository } from '../../server/git/anchor-repository.ts';
import { Secret } from '../../server/secret.ts';
import { createUpstreamCredential } from '../../server/upstream-credential.ts';
import { forgeguard } from '../cli/program.ts';
import { createGitClient, ok, withCredentials } from '../support/client.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { startUpstream } from '../support/upstream.ts';
import { startS3Server } from '../support/s3-server.ts';
import { auditBench, auditEvent, auditEvents } from '../support/audit.ts';

const everyMs = 3_600_000;

test('each in a file of its own, and verification takes the directory', async () => {
  await using bench = await auditBench();
  const directory = join(bench.dataDir, 'anchors');
  await mkdir(directory);
  {
    await using log = await bench.open();
    await using anchoring = startAnchoring({
      database: bench.database,
      append: log.append,
      place: anchorDirectory(directory),
      everyMs,
    });
    for (const count of [1, 300]) {
      await Promise.all(auditEvents(count).map((event) => log.append(event)));
      // Without anything new nothing is written.
      await anchoring.round();
      await anchoring.round();
    }
  }
  const names = (await readdir(directory)).toSorted();
  expect(names).toEqual([anchorName(1), anchorName(301)]);
  const note = await readFile(join(directory, anchorName(301)), 'utf8');
  expect(openCheckpoint(note, await bench.key())?.size).toBe(301);
  expect((await stat(join(directory, anchorName(301)))).mode & 0o777).toBe(0o444);

  const env = { FORGEGUARD_DATA_DIR: bench.dataDir, DATABASE_URL: bench.url };
  const verify = () => forgeguard(bench.dataDir, ['audit', 'verify', '--checkpoint', directory], env);
  expect(await verify()).toMatchObject({ code: 0 });
  // The log and the file beside it are set back; the anchor tells.
  await bench.tamper('delete from audit_entry where index >= 1');
  await bench.tamper('delete from audit_checkpoint where size > 1');
  await bench.tamper('delete from audit_node');
  await rm(join(bench.dataDir, 'audit-checkpoint'));
  const result = await verify();
  expect(result.code).toBe(1);
  expect(result.stdout).toContain('301 entries were signed once, the log has 1: its end is missing');
});

test('a directory that is gone delays nobody and is on record once, and so is its return', async () => {
  await using bench = await auditBench();
  const directory = join(bench.dataDir, 'anchors');
  await using log = await bench.open();
  await using anchoring = startAnchoring({
    database: bench.database,
    append: log.append,
    place: anchorDirectory(directory),
    everyMs,
  });
  for (let round = 0; round < 3; round += 1) {
    await log.append(auditEvent('meanwhile'));
    await anchoring.round();
  }
  await mkdir(directory);
  await anchoring.round();
  const entries = (await readEntries(bench.database, 0, 100)).map(({ body }) => parseEntry(body));
  const told = entries.filter((entry) => entry?.action.startsWith('audit.'));
  expect(told).toMatchObject([
    { action: 'audit.anchor-failed', details: { place: 'directory', problem: 'ENOENT' } },
    { action: 'audit.anchor-resumed' },
  ]);
  expect((await readdir(directory)).length).toBe(1);
});

test('in a bucket, locked against everybody, and what stands in the way is on record', async () => {
  await using server = await startS3Server();
  await using bench = await auditBench();
  await using log = await bench.open();
  await log.append(auditEvent('first'));
  using place = anchorBucket(
    { store: server.settings, prefix: 'anchors/', lockDays: 2_192 },
    { now: () => bench.now },
  );
  await using anchoring = startAnchoring({
    database: bench.database,
    append: log.append,
    place,
    everyMs,
  });
  await anchoring.round();
  expect(await server.keys()).toEqual([`anchors/${anchorName(1)}`]);
  const note = await server.text(`anchors/${anchorName(1)}`);
  expect(openCheckpoint(note, await bench.key())?.size).toBe(1);
  const put = server.requests.find(({ method }) => method === 'PUT');
  expect(put?.headers).toMatchObject({
    'x-amz-object-lock-mode': 'COMPLIANCE',
    'x-amz-object-lock-retain-until-date': '2032-03-01T12:00:00Z',
  });

  server.fault = { status: 403, code: 'AccessDenied' };
  await log.append(auditEvent('second'));
  await anchoring.round();
  await anchoring.round();
  server.fault = undefined;
  await anchoring.round();
  const told = (await readEntries(bench.database, 2, 10)).map(({ body }) => parseEntry(body));
  expect(told).toMatchObject([
    { action: 'audit.anchor-failed', details: { place: 's3' } },
    { action: 'audit.anchor-resumed', details: { place: 's3' } },
  ]);
  expect((await server.keys()).length).toBe(2);
});

describe('in a Git repository', () => {
  const credential = {
    kind: 'basic',
    username: 'anchors',
    password: randomBytes(12).toString('hex'),
  } as const;
  const open = (dataDir: string, url: string, password: string = credential.password) =>
    createAnchorRepository({
      directory: anchorDirectoryOf(dataDir),
      url,
      branch: 'anchors',
      caFile: undefined,
      credential: createUpstreamCredential(
        {
          credential: {
            mode: 'basic',
            username: credential.username,
            password: { kind: 'value', value: new Secret(password) },
          },
        },
        () => performance.now(),
      ),
    });

  test('each is a commit of its own over what is there, and verification takes a clone', async () => {
    await using upstream = await startUpstream({ credential });
    await using client = await createGitClient();
    const repository = await upstream.createRepo('audit/anchors');
    const url = `${upstream.url}/audit/anchors.git`;
    await using bench = await auditBench();
    await using log = await bench.open();
    await using place = open(bench.dataDir, url);
    await using anchoring = startAnchoring({
      database: bench.database,
      append: log.append,
      place,
      everyMs,
    });
    for (const count of [1, 2]) {
      await Promise.all(auditEvents(count).map((event) => log.append(event)));
      await anchoring.round();
      await anchoring.round();
    }
    // A person adds a file, and another guard was faster.
    const tree = await client.clone(withCredentials(url, credential.username, credential.password), [
      '--branch',
      'anchors',
    ]);
    await tree.commit('Read me', { 'docs/README.md': 'for auditors' });
    ok(await tree.push('HEAD:refs/heads/anchors'));
    await log.append(auditEvent('third'));
    {
      await using further = await temporaryDirectory('anchors');
      await using second = open(further.path, url);
      await second.put(anchorName(4), log.head.note);
    }
    await anchoring.round();
    expect((await repository.git('log', '--format=%s', 'anchors')).split('\n')).toEqual([
      `Add ${anchorName(4)}`,
      'Read me',
      `Add ${anchorName(3)}`,
      `Add ${anchorName(1)}`,
    ]);
    expect(await repository.read('anchors', 'docs/README.md')).toBe('for auditors');
    expect(await repository.git('fsck', '--strict')).toBe('');
    ok(await tree.git('pull', '--quiet', 'origin', 'anchors'));
    const env = { FORGEGUARD_DATA_DIR: bench.dataDir, DATABASE_URL: bench.url };
    const args = ['audit', 'verify', '--checkpoint', tree.directory];
    expect(await forgeguard(bench.dataDir, args, env)).toMatchObject({ code: 0 });
    await bench.tamper('delete from audit_entry where index >= 1');
    await bench.tamper('delete from audit_checkpoint where size > 1');
    await bench.tamper('delete from audit_node');
    await rm(join(bench.dataDir, 'audit-checkpoint'));
    expect((await forgeguard(bench.dataDir, args, env)).stdout).toContain(
      '4 entries were signed once, the log has 1: its end is missing',
    );
  });

  test('that refuses, or is gone, delays nobody and is on record; the credential shows up nowhere', async () => {
    await using upstream = await startUpstream({ credential });
    const repository = await upstream.createRepo('audit/anchors');
    await using bench = await auditBench();
    await using log = await bench.open();
    await log.append(auditEvent('first'));
    await using place = open(bench.dataDir, `${upstream.url}/audit/anchors.git`);
    await using anchoring = startAnchoring({
      database: bench.database,
      append: log.append,
      place,
      everyMs,
    });
    await repository.refuse('pre-receive', 'not today');
    await anchoring.round();
    await upstream.down();
    await anchoring.round();
    await upstream.up();
    await repository.hook('pre-receive', 'exit 0');
    await anchoring.round();
    await using stranger = open(bench.dataDir, `${upstream.url}/audit/anchors.git`, 'wrong');
    await expect(stranger.put('x.checkpoint', '')).rejects.toMatchObject({ code: 'upstream/unreachable' });
    const entries = (await readEntries(bench.database, 0, 100)).map(({ body }) => parseEntry(body));
    expect(entries.filter((entry) => entry?.action.startsWith('audit.'))).toMatchObject([
      { action: 'audit.anchor-failed', details: { place: 'git', problem: 'upstream/refused' } },
      { action: 'audit.anchor-failed', details: { place: 'git', problem: 'upstream/unreachable' } },
      { action: 'audit.anchor-resumed', details: { place: 'git' } },
    ]);
    expect(await repository.git('rev-list', '--count', 'anchors')).toBe('1');
    const kept = await readdir(anchorDirectoryOf(bench.dataDir), { recursive: true, withFileTypes: true });
    for (const file of kept.filter((one) => one.isFile()))
      expect(await readFile(join(file.parentPath, file.name), 'latin1')).not.toContain(credential.password);
  });
});
