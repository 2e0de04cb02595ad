// The policy as a push meets it: which changed paths are seen and which are not blamed, rules that only watch, and
// exceptions.
import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { defaultPolicyText } from '../../core/default-policy.ts';
import { ok } from '../support/client.ts';
import { send, zero } from '../support/made-push.ts';
import { phiSample } from '../support/phi.ts';
import { cloneSeeded, type PushForge, type Seeded, startPushForge } from '../support/push-forge.ts';
import { readRefusal } from '../support/refusal.ts';
import { run } from '../support/run.ts';
import { secretSample } from '../support/secrets.ts';
import { type TemporaryDirectory, temporaryDirectory } from '../support/temporary-directory.ts';

const excused = secretSample('github-token', 71);
const sameKind = secretSample('github-token', 72);
const later = '2099-01-01';

let scratch: TemporaryDirectory;
let forge: PushForge;
beforeAll(async () => {
  scratch = await temporaryDirectory('policy');
  const dataDir = join(scratch.path, 'data');
  await mkdir(dataDir, { mode: 0o700 });
  await writeFile(join(dataDir, 'fingerprint-key'), `${randomBytes(32).toString('hex')}\n`, { mode: 0o600 });
  const policy = defaultPolicyText.replace(
    /^exceptions: \[\]$/m,
    [
      '  - id: watch-docs',
      '    monitor: true',
      "    when: { operation: push, paths: 'docs/**' }",
      '    then: deny',
      '    message: Somebody should read what agents write in docs.',
      '',
      'exceptions:',
      `  - { id: known-token, fingerprint: ['${await fingerprintOf(dataDir, excused)}'], reason: revoked, owner: human:owner, expires: ${later} }`,
      `  - { id: fixtures, path: ['test/fixtures/**'], reason: made up, owner: human:owner, expires: ${later} }`,
      `  - { id: expired, path: ['old/**'], reason: was made up, owner: human:owner, expires: 2020-01-01 }`,
    ].join('\n'),
  );
  forge = await startPushForge({ dataDir, policy });
});
afterAll(async () => {
  await forge[Symbol.asyncDispose]();
  await scratch.remove();
});

/** As `forgeguard scan` on the guard's machine tells it. */
async function fingerprintOf(
  dataDir: string,
  sample: { readonly path: string; readonly text: string },
): Promise<string> {
  const program = fileURLToPath(new URL('../../cli/forgeguard.ts', import.meta.url));
  const done = await run(process.execPath, [program, 'scan', '--stdin', '--format', 'json'], {
    cwd: scratch.path,
    env: { PATH: process.env['PATH'] ?? '', HOME: scratch.path, FORGEGUARD_DATA_DIR: dataDir },
    input: sample.text,
  });
  expect(done.code, done.stderr).toBe(1);
  const found = /"fingerprint":\s*"([0-9a-f]{32})"/.exec(done.stdout)?.[1];
  if (found === undefined) throw new Error(`no fingerprint in ${done.stdout}`);
  return found;
}

const seed = {
  'README.md': 'hello\n',
  Dockerfile: 'FROM scratch\n',
  CODEOWNERS: '* @owner\n',
  'ci-template.yml': 'on: push\njobs: {}\n',
  '.github/workflows/ci.yml': 'on: push\n',
  'db/migrations/0001.sql': 'create table a (b int);\n',
  'src/main.ts': 'export {};\n',
};

const seeded = (): Promise<Seeded> => cloneSeeded(forge, seed);

const ref = 'refs/heads/agent/policy';
const target = `HEAD:${ref}`;

async function verdictOf({
  repo,
  work,
}: Seeded): Promise<{ readonly kind: string; readonly rules: readonly string[] }> {
  const before = await repo.upstream.refs();
  const pushed = await work.push(target);
  const details = (await repo.lastAttempt()).details('push.decided');
  const kind: unknown = details['verdict'];
  expect(pushed.code).toBe(kind === 'allow' ? 0 : 1);
  if (kind !== 'allow') expect(await repo.upstream.refs()).toEqual(before);
  const reasons = details['reasons'] as readonly { readonly rule: string }[];
  return { kind: String(kind), rules: reasons.map((reason) => reason.rule) };
}

describe('changed paths', () => {
  test.each([
    { rule: 'agent-workflows', path: '.github/workflows/ci.yml' },
    { rule: 'agent-code-owners', path: 'CODEOWNERS' },
    { rule: 'agent-container-files', path: 'Dockerfile' },
    { rule: 'agent-migrations', path: 'db/migrations/0001.sql' },
  ])('$path: changed, deleted, and only its mode', async ({ rule, path }) => {
    const held = { kind: 'hold', rules: [rule] };
    const changed = await seeded();
    await changed.work.commit('Change', { [path]: 'something else\n' });
    expect(await verdictOf(changed)).toEqual(held);
    const deleted = await seeded();
    ok(await deleted.work.git('rm', '--quiet', path));
    await deleted.work.commit('Delete');
    expect(await verdictOf(deleted)).toEqual(held);
    const executable = await seeded();
    ok(await executable.work.git('update-index', '--chmod=+x', path));
    ok(await executable.work.git('commit', '--quiet', '-m', 'Mode'));
    expect(await verdictOf(executable)).toEqual(held);
  });

  test('a file that is there already gets the name of a workflow', async () => {
    const { repo, work } = await seeded();
    ok(await work.git('mv', 'ci-template.yml', '.github/workflows/x.yml'));
    await work.commit('Rename');
    expect(await verdictOf({ repo, work })).toEqual({ kind: 'hold', rules: ['agent-workflows'] });
    expect((await repo.lastAttempt()).details('push.decided')).toMatchObject({ objects: 4 });
  });

  test('a whole directory gets the name of the workflows', async () => {
    const repo = await forge.repo({ seed: { 'templates/ci.yml': 'on: push\n', '.github/README.md': 'x\n' } });
    const work = await repo.clone();
    ok(await work.git('mv', 'templates', '.github/workflows'));
    await work.commit('Rename');
    expect(await verdictOf({ repo, work })).toEqual({ kind: 'hold', rules: ['agent-workflows'] });
  });

  test('a change that the next commit takes back is no change', async () => {
    const { repo, work } = await seeded();
    await work.commit('Change', { Dockerfile: 'FROM elsewhere\n' });
    await work.commit('Back', { Dockerfile: seed.Dockerfile, 'src/a.ts': 'export {};\n' });
    expect(await verdictOf({ repo, work })).toEqual({ kind: 'allow', rules: [] });
  });

  test('what stands beside a change is not blamed', async () => {
    const { repo, work } = await seeded();
    await work.commit('Root', { 'README.md': 'hello, world\n', 'new.txt': 'x\n' });
    expect(await verdictOf({ repo, work })).toEqual({ kind: 'allow', rules: [] });
    await work.commit('Again', { 'db/readme.txt': 'x\n', '.github/ISSUE_TEMPLATE.md': 'x\n' });
    expect(await verdictOf({ repo, work })).toEqual({ kind: 'allow', rules: [] });
  });

  test('a new branch from an old commit is compared with that commit', async () => {
    const { repo, work } = await seeded();
    const other = await repo.clone();
    await other.commit('On main', { Dockerfile: 'FROM elsewhere\n' });
    ok(await other.push('HEAD:refs/heads/main', { to: repo.humanUrl }));
    await work.commit('On the old', { 'src/a.ts': 'export {};\n' });
    expect(await verdictOf({ repo, work })).toEqual({ kind: 'allow', rules: [] });
  });

  test('a merge of the default branch brings in nothing of its own', async () => {
    const { repo, work } = await seeded();
    await work.commit('Mine', { 'src/a.ts': 'export {};\n' });
    ok(await work.push(target));
    const other = await repo.clone();
    await other.commit('On main', { Dockerfile: 'FROM elsewhere\n' });
    ok(await other.push('HEAD:refs/heads/main', { to: repo.humanUrl }));
    ok(await work.git('fetch', '--quiet', 'origin'));
    ok(await work.git('merge', '--quiet', '--no-edit', 'origin/main'));
    expect(await verdictOf({ repo, work })).toEqual({ kind: 'allow', rules: [] });
    // Nor where the branch is new.
    ok(await work.push('HEAD:refs/heads/agent/again'));
    // What is put on top is still seen.
    await work.commit('On top', { Dockerfile: 'FROM nowhere\n' });
    expect(await verdictOf({ repo, work })).toEqual({ kind: 'hold', rules: ['agent-container-files'] });
  });

  test('a commit that no ref of the upstream reaches is nothing to build on', async () => {
    const { repo, work } = await seeded();
    await work.commit('Unseen', { Dockerfile: 'FROM elsewhere\n' });
    ok(await work.push('HEAD:refs/heads/gone', { to: repo.directUrl }));
    ok(await work.push(':refs/heads/gone', { to: repo.directUrl }));
    const unseen = await work.oid('HEAD');
    expect(await repo.upstream.hasObject(unseen)).toBe(true);
    await work.commit('On it', { 'src/a.ts': 'export {};\n' });
    const tip = await work.oid('HEAD');
    // As a client would that says it knows what the upstream has.
    const revisions = `${tip}\n^${unseen}\n`;
    const packed = await forge.client.git(['pack-objects', '--stdout', '--revs', '--quiet'], {
      cwd: work.directory,
      input: revisions,
    });
    expect(packed.code).toBe(0);
    const report = await send(forge, repo, {
      commands: [{ oldOid: zero, newOid: tip, ref }],
      pack: packed.stdoutBytes,
    });
    expect(report.refs[0]?.reason).toMatch(/^held for approval http/);
    expect(report.progress).toContain('agent-container-files (hold)');
  });

  test('an update is compared with what the branch had, though the client has forgotten it', async () => {
    const { repo, work } = await seeded();
    await work.commit('One', { 'src/a.ts': 'export {};\n' });
    ok(await work.push(target));
    const fresh = await forge.client.clone(repo.agentUrl, ['--depth=1', '--branch=agent/policy']);
    await fresh.commit('Two', { Dockerfile: 'FROM elsewhere\n' });
    expect(await verdictOf({ repo, work: fresh })).toEqual({
      kind: 'hold',
      rules: ['agent-container-files'],
    });
  });

  test('the first push to an empty repository changes nothing that is relied on', async () => {
    const repo = await forge.repo();
    const work = await repo.init();
    const oid = await work.commit('All', seed);
    ok(await work.push('HEAD:refs/heads/main'));
    expect((await repo.upstream.refs())['refs/heads/main']).toBe(oid);
    // The second is an ordinary push.
    await work.commit('Change', { Dockerfile: 'FROM elsewhere\n' });
    expect(await verdictOf({ repo, work })).toEqual({ kind: 'hold', rules: ['agent-container-files'] });
  });

  test('a human is not asked', async () => {
    const { repo, work } = await seeded();
    const oid = await work.commit('Change', { Dockerfile: 'FROM elsewhere\n', CODEOWNERS: '* @other\n' });
    ok(await work.push(target, { to: repo.humanUrl }));
    expect((await repo.upstream.refs())[ref]).toBe(oid);
  });

  test('the paths of notes are no paths', async () => {
    const { repo, work } = await seeded();
    ok(await work.git('notes', 'add', '-m', 'fine'));
    ok(await work.push('refs/notes/commits'));
    expect((await repo.lastAttempt()).details('push.decided')).toMatchObject({ verdict: 'allow' });
  });

  test('a tag that brings a changed workflow is seen', async () => {
    const { repo, work } = await seeded();
    await work.commit('Change', { '.github/workflows/ci.yml': 'on: pull_request\n' });
    ok(await work.git('tag', '-a', 'v1', '-m', 'Version 1'));
    const pushed = await work.push('refs/tags/v1');
    expect(pushed.stderr).toContain('agent-workflows');
    expect(Object.keys(await repo.upstream.refs())).toEqual(['refs/heads/main']);
  });
});

describe('rules that only watch', () => {
  test('let the push through, tell it and record it', async () => {
    const { repo, work } = await seeded();
    const oid = await work.commit('Docs', { 'docs/guide.md': 'Read this.\n' });
    const pushed = ok(await work.push(target));
    expect(pushed.stderr).toContain('it did not decide this push');
    expect(pushed.stderr).toContain('watch-docs (monitored): Somebody should read');
    expect((await repo.upstream.refs())[ref]).toBe(oid);
    expect((await repo.lastAttempt()).details('push.decided')).toMatchObject({
      verdict: 'allow',
      reasons: [],
      monitored: [{ rule: 'watch-docs', action: 'deny' }],
    });
    await work.commit('More docs', { 'docs/more.md': 'More.\n' });
    const json = ok(await work.push(target, { options: ['forgeguard.format=json'] }));
    expect(readRefusal(json.stderr)).toMatchObject({
      verdict: 'allow',
      reasons: [],
      monitored: [{ rule: 'watch-docs' }],
    });
  });
});

describe('exceptions', () => {
  test('by fingerprint let exactly that value through, wherever it stands', async () => {
    const { repo, work } = await seeded();
    const oid = await work.commit('Known', {
      [excused.path]: excused.text,
      'elsewhere/.env': `# x\n${excused.text}`,
    });
    ok(await work.push(target));
    expect((await repo.upstream.refs())[ref]).toBe(oid);
    const details = (await repo.lastAttempt()).details('push.decided');
    expect(details).toMatchObject({ verdict: 'allow', findingCount: 2 });
    expect(details['exceptions']).toMatchObject([{ exception: 'known-token' }, { exception: 'known-token' }]);
    await work.commit('Another of the kind', { 'other/.env': sameKind.text });
    expect(await verdictOf({ repo, work })).toEqual({ kind: 'deny', rules: ['secrets'] });
  });

  test('by path let a fixture through, and nothing beside it', async () => {
    const { repo, work } = await seeded();
    const sample = phiSample('fhir', 73);
    await work.commit('Fixture', { 'test/fixtures/patient.json': sample.text });
    expect(await verdictOf({ repo, work })).toEqual({ kind: 'allow', rules: [] });
    await work.commit('Beside', { 'test/patient.json': phiSample('fhir', 74).text });
    expect(await verdictOf({ repo, work })).toEqual({ kind: 'deny', rules: ['phi'] });
  });

  test('that have expired excuse nothing', async () => {
    const { repo, work } = await seeded();
    await work.commit('Old', { 'old/.env': sameKind.text });
    expect(await verdictOf({ repo, work })).toEqual({ kind: 'deny', rules: ['secrets'] });
  });
});

test('the log verifies', async () => {
  expect(await forge.guard.command(['audit', 'verify'])).toMatchObject({ code: 0 });
});

describe('what the default policy asks a reviewer about', () => {
  const lines = (count: number): Record<string, string> =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`many/${index}.txt`, `${index}\n`]));

  test('a lock file that takes a package from elsewhere', async () => {
    const { repo, work } = await seeded();
    const entry = { version: '1.0.0', resolved: 'https://elsewhere.example/a.tgz' };
    await work.commit('Add', { 'package-lock.json': JSON.stringify({ packages: { a: entry } }) });
    expect(await verdictOf({ repo, work })).toEqual({ kind: 'hold', rules: ['agent-dependency-sources'] });
    await work.commit('Mend', {
      'package-lock.json': JSON.stringify({
        packages: { a: { ...entry, resolved: 'https://registry.npmjs.org/a/-/a.tgz' } },
      }),
    });
    // What an earlier commit of the push holds is still brought in.
    expect((await verdictOf({ repo, work })).kind).toBe('hold');
  });

  test('machine code, small and streamed', async () => {
    const elf = Buffer.concat([Buffer.from([0x7f, 0x45, 0x4c, 0x46]), Buffer.alloc(9 * 1024 * 1024)]);
    const small = await seeded();
    await small.work.commit('Add', { 'bin/tool': elf.subarray(0, 2000) });
    expect(await verdictOf(small)).toEqual({ kind: 'hold', rules: ['agent-machine-code'] });
    const large = await seeded();
    await large.work.commit('Add', { 'bin/tool': elf });
    expect(await verdictOf(large)).toEqual({ kind: 'hold', rules: ['agent-machine-code'] });
  });

  test('the deletion of many files, and a change of very many', async () => {
    const { repo, work } = await cloneSeeded(forge, lines(60));
    ok(await work.git('rm', '--quiet', '-r', 'many'));
    await work.commit('Delete', { 'README.md': 'gone\n' });
    expect(await verdictOf({ repo, work })).toEqual({ kind: 'hold', rules: ['agent-large-deletion'] });
    const bulk = await seeded();
    await bulk.work.commit('Add', lines(500));
    expect(await verdictOf(bulk)).toEqual({ kind: 'hold', rules: ['agent-bulk-change'] });
  });

  test('nothing of that in the first push to an empty repository', async () => {
    const repo = await forge.repo();
    const work = await repo.init();
    await work.commit('Add', { ...lines(500), 'bin/tool': Uint8Array.from([0x7f, 0x45, 0x4c, 0x46, 1]) });
    expect(ok(await work.push(target)).code).toBe(0);
  });
});
