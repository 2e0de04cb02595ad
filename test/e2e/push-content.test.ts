// Values in every place of a push where they can stand: each is found, placed exactly, and told without being shown.
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tarGzOf, tarOf, zipOf } from '../support/archives.ts';
import { type Files, ok } from '../support/client.ts';
import { placesThatHold } from '../support/nowhere.ts';
import { makePerson } from '../support/person.ts';
import { phiFormats, phiMessage, phiPath, phiSample } from '../support/phi.ts';
import { cloneSeeded, type PushForge, type Seeded, startPushForge } from '../support/push-forge.ts';
import { createRandom } from '../support/random.ts';
import { readRefusal, type Refusal } from '../support/refusal.ts';
import type { Run } from '../support/run.ts';
import { secretKinds, secretSample } from '../support/secrets.ts';

let forge: PushForge;
beforeAll(async () => {
  forge = await startPushForge();
});
afterAll(async () => {
  await forge[Symbol.asyncDispose]();
});

const seeded = (): Promise<Seeded> => cloneSeeded(forge, { 'README.md': 'hello\n' });

const target = 'HEAD:refs/heads/agent/content';

/** Pushes, expects a refusal by `rule`, and that no value stands anywhere; returns what the guard said. */
async function expectRefused(
  { repo, work }: Seeded,
  values: readonly string[],
  rule: 'phi' | 'secrets',
  specs: string | readonly string[] = target,
  options: readonly string[] = [],
): Promise<{ readonly refusal: Refusal; readonly pushed: Run }> {
  const before = await repo.upstream.refs();
  const pushed = await work.push(specs, { options: ['forgeguard.format=json', ...options] });
  expect(pushed.code, pushed.stderr).toBe(1);
  const refusal = readRefusal(pushed.stderr);
  expect(refusal.verdict).toBe('deny');
  expect(refusal.reasons.map((reason) => reason.rule)).toContain(rule);
  expect(await repo.upstream.refs()).toEqual(before);
  expect((await repo.lastAttempt()).actions).toEqual(['push.received', 'push.decided', 'push.refused']);
  await expect.poll(() => forge.quarantined()).toEqual([]);
  await evidenceKept(repo);
  expect(await placesThatHold(forge, values, pushed.stdout + pushed.stderr)).toEqual([]);
  return { refusal, pushed };
}

/** What a push changes is kept after its answer. */
async function evidenceKept(repo: Seeded['repo']): Promise<void> {
  const { request } = await repo.lastAttempt();
  const sql = `select 1 from audit_entry where encode(body, 'escape') like '{"action":"evidence.kept"%' || $1 || '%'`;
  await expect.poll(() => forge.database.query(sql, [`"request":"${request}"`])).toHaveLength(1);
}

async function committed(files: Files): Promise<Seeded & { readonly oid: string }> {
  const { repo, work } = await seeded();
  return { repo, work, oid: await work.commit('Add a file', files) };
}

/** The text from the start to the end that a finding names. */
function textAt(text: string, found: Refusal['findings'][number]): string {
  const lines = text.split('\n');
  if (found.line !== found.endLine) return '';
  return (lines[found.line - 1] ?? '').slice(found.column - 1, found.endColumn - 1);
}

describe('files with the data of a patient', () => {
  test.each(phiFormats)('%s', async (format) => {
    const sample = phiSample(format, 21);
    const { repo, work, oid } = await committed({ [sample.path]: sample.text });
    const values = sample.values.map((value) => value.text);
    const { refusal } = await expectRefused({ repo, work }, values.filter(isTelling), 'phi');
    const found = refusal.findings.filter((finding) => finding.path === sample.path);
    expect(found.length).toBeGreaterThan(0);
    for (const finding of found) {
      expect(finding).toMatchObject({ commit: oid, place: 'file' });
      // Where the finding points stands a value of the patient, and nothing else.
      const there = textAt(sample.text, finding);
      expect(there.length).toBeGreaterThan(0);
      expect(
        values.concat(otherValues(21)).some((value) => value.includes(there) || there.includes(value)),
      ).toBe(true);
    }
    const ssns = found
      .filter((finding) => finding.identifier === 'ssn')
      .map((finding) => textAt(sample.text, finding));
    expect(ssns.length).toBeGreaterThan(0);
    for (const ssn of ssns) expect(ssn.replaceAll('-', '')).toBe(makePerson(21).ssn.replaceAll('-', ''));
    // Shown to be real: the upstream takes it from others.
    ok(await work.push(target, { to: repo.directUrl }));
  });
});

/** Short or common words say nothing about where they come from. */
function isTelling(value: string): boolean {
  return value.length > 5;
}

function otherValues(seed: number): readonly string[] {
  const { given, family, street, city, state, zip, phone, email, account, memberId, born } = makePerson(seed);
  const plain = [given, family, street, city, state, zip, phone, email, account, memberId, born];
  return [...plain, ...plain.map((value) => value.toUpperCase()), born.replaceAll('-', '')];
}

describe('files with credentials', () => {
  test.each(secretKinds)('%s', async (kind) => {
    const sample = secretSample(kind, 22);
    const { repo, work, oid } = await committed({ [sample.path]: sample.text });
    const { refusal } = await expectRefused({ repo, work }, [sample.value], 'secrets');
    expect(refusal.findings[0]).toMatchObject({
      commit: oid,
      place: 'file',
      path: sample.path,
      category: 'secret',
    });
  });
});

describe('files that are not plain text', () => {
  const sample = phiSample('csv', 23);
  const labelled = phiSample('note', 23);
  const values = sample.values.map((value) => value.text).filter(isTelling);
  const utf16 = Buffer.from(`\ufeff${sample.text}`, 'utf16le');

  test.each([
    { name: 'UTF-16 with its mark', path: 'export.csv', content: utf16 },
    { name: 'UTF-16 without its mark', path: 'export.csv', content: utf16.subarray(2) },
    { name: 'UTF-16, the other order', path: 'export.csv', content: Buffer.from(utf16).swap16() },
    {
      name: 'with NUL bytes',
      path: 'export.bin',
      content: Buffer.concat([
        Buffer.from([0, 1, 2, 0]),
        Buffer.from(`\n${labelled.text}`),
        Buffer.from([0]),
      ]),
    },
    { name: 'gzip', path: 'export.csv.gz', content: gzipSync(sample.text) },
    { name: 'zip', path: 'export.zip', content: zipOf({ 'a/patients.csv': sample.text }) },
    { name: 'zip under another name', path: 'export.docx', content: zipOf({ 'patients.csv': sample.text }) },
    { name: 'zip in zip', path: 'export.zip', content: zipOf({ 'in.zip': zipOf({ 'p.csv': sample.text }) }) },
  ])('$name', async ({ path, content }) => {
    const { repo, work, oid } = await committed({ [path]: content });
    const { refusal } = await expectRefused({ repo, work }, values, 'phi');
    expect(refusal.findings[0]).toMatchObject({ commit: oid, place: 'file' });
    expect(refusal.findings[0]?.path.startsWith(path)).toBe(true);
  });

  test('tar and tar.gz', async () => {
    const files = { 'data/patients.csv': sample.text };
    for (const [path, content] of [
      ['export.tar', await tarOf(files)],
      ['export.tar.gz', await tarGzOf(files)],
      ['export.tgz', await tarGzOf(files)],
    ] as const) {
      const { repo, work } = await committed({ [path]: content });
      const { refusal } = await expectRefused({ repo, work }, values, 'phi');
      expect(refusal.findings[0]?.path.startsWith(path)).toBe(true);
      expect(refusal.findings[0]?.path).toContain('data/patients.csv');
    }
  });

  test('an archive that is locked cannot be checked and is refused', async () => {
    const { repo, work } = await committed({ 'export.zip': zipOf({ 'p.csv': sample.text }, true) });
    const pushed = await work.push(target);
    expect(pushed.code).toBe(1);
    expect(pushed.stderr).toContain('unsafe-content');
    expect(await repo.upstream.refs()).not.toHaveProperty(['refs/heads/agent/content']);
  });

  test('one line of 300 KB', async () => {
    const person = makePerson(24);
    const filler = Array.from({ length: 6_000 }, (_, at) => `function f${at}(a,b){return a+b*${at}}`).join(
      ';',
    );
    const literal = `var p={firstName:"${person.given}",lastName:"${person.family}",ssn:"${person.ssn}",mrn:"${person.mrn}"}`;
    const text = `${filler};${literal};${filler}`;
    const { repo, work } = await committed({ 'dist/app.min.js': text });
    const { refusal } = await expectRefused({ repo, work }, [person.ssn], 'phi');
    const ssn = refusal.findings.find((finding) => finding.identifier === 'ssn');
    expect(ssn).toMatchObject({ path: 'dist/app.min.js', line: 1, column: text.indexOf(person.ssn) + 1 });
  });

  test('a file of 12 MB with a value in its middle', async () => {
    const line = 'id,city,amount\n';
    const half = Buffer.from(line.repeat(400_000));
    const { repo, work } = await committed({
      'large.log': Buffer.concat([half, Buffer.from(phiSample('note', 25).text), half]),
    });
    const { refusal } = await expectRefused({ repo, work }, [makePerson(25).ssn], 'phi');
    const found = refusal.findings.find((finding) => finding.identifier === 'ssn');
    expect(found?.line).toBe(
      400_000 +
        phiSample('note', 25)
          .text.split('\n')
          .findIndex((text) => text.startsWith('SSN')) +
        1,
    );
  });
});

describe('places besides files', () => {
  const ssn = makePerson(31).ssn;

  test('a commit message, also of a commit that is not the tip', async () => {
    const { repo, work } = await seeded();
    const message = phiMessage(31);
    const holder = await work.commit(message.text, { 'a.txt': 'x\n' });
    await work.commit('Fine', { 'b.txt': 'x\n' });
    const { refusal } = await expectRefused({ repo, work }, [ssn], 'phi');
    const found = refusal.findings.find((finding) => finding.identifier === 'ssn');
    expect(found).toMatchObject({ commit: holder, place: 'commit message', line: 3 });
    expect(textAt(message.text, found ?? refusal.findings[0]!)).toBe(ssn);
  });

  test('a path name, of a file and of a directory', async () => {
    const sample = phiPath(31);
    for (const path of [sample.path, `scans/${ssn.replaceAll('-', '_ssn_')}/x_ssn_${ssn}/image.txt`]) {
      const { repo, work, oid } = await committed({ [path]: 'nothing in here\n' });
      const { refusal } = await expectRefused({ repo, work }, [ssn], 'phi');
      expect(refusal.findings[0]).toMatchObject({ commit: oid, place: 'path name' });
      expect(refusal.findings[0]?.path).toContain('***');
    }
  });

  test('the message of a tag', async () => {
    const { repo, work } = await seeded();
    ok(await work.git('tag', '-a', 'v1', '-m', phiMessage(31).text));
    const { refusal } = await expectRefused({ repo, work }, [ssn], 'phi', 'refs/tags/v1');
    expect(refusal.findings[0]).toMatchObject({ place: 'tag message', commit: await work.oid('v1') });
  });

  test('a tag of a tag', async () => {
    const { repo, work } = await seeded();
    ok(await work.git('tag', '-a', 'inner', '-m', phiMessage(31).text));
    ok(await work.git('tag', '-a', 'outer', '-m', 'Fine', 'inner'));
    await expectRefused({ repo, work }, [ssn], 'phi', 'refs/tags/outer');
  });

  test('a note', async () => {
    const { repo, work } = await seeded();
    ok(await work.git('notes', 'add', '-m', phiMessage(31).text));
    const { refusal } = await expectRefused({ repo, work }, [ssn], 'phi', 'refs/notes/commits');
    expect(refusal.findings[0]).toMatchObject({
      place: 'note',
      commit: await work.oid('refs/notes/commits'),
    });
  });

  test('the name of a branch and of a tag', async () => {
    const { repo, work } = await seeded();
    for (const ref of [`refs/heads/agent/ssn-${ssn}`, `refs/tags/ssn-${ssn}`]) {
      // The client prints the name that it pushes to; only the guard's own words are looked at.
      const pushed = await work.push(`HEAD:${ref}`);
      expect(pushed.code).toBe(1);
      const own = pushed.stderr
        .split('\n')
        .filter((line) => line.startsWith('remote:'))
        .join('\n');
      expect(own).toContain('ref name');
      expect(await placesThatHold(forge, [ssn], own)).toEqual([]);
      expect(Object.keys(await repo.upstream.refs())).toEqual(['refs/heads/main']);
      expect((await repo.lastAttempt()).actions.at(-1)).toBe('push.refused');
    }
  });

  test('a push option', async () => {
    const { repo, work } = await committed({ 'a.txt': 'x\n' });
    const { refusal } = await expectRefused({ repo, work }, [ssn], 'phi', target, [
      `topic=patient ssn ${ssn}`,
    ]);
    expect(refusal.findings[0]).toMatchObject({ place: 'push option', commit: null });
    await expectRefused({ repo, work }, [ssn], 'phi', target, [`forgeguard.reason=patient ssn ${ssn}`]);
  });

  test('the name of an author', async () => {
    const { repo, work } = await seeded();
    ok(await work.git('-c', `user.name=Patient SSN ${ssn}`, 'commit', '--quiet', '--allow-empty', '-m', 'x'));
    const { refusal } = await expectRefused({ repo, work }, [ssn], 'phi');
    expect(refusal.findings[0]).toMatchObject({ place: 'author line', commit: await work.oid('HEAD') });
  });

  test('the target of a symbolic link', async () => {
    const { repo, work } = await seeded();
    const { stdout } = ok(
      await forge.client.git(['hash-object', '-w', '--stdin'], {
        cwd: work.directory,
        input: `records/patient_ssn_${ssn}.txt`,
      }),
    );
    ok(await work.git('update-index', '--add', '--cacheinfo', `120000,${stdout.trim()},latest`));
    ok(await work.git('commit', '--quiet', '-m', 'Link'));
    await expectRefused({ repo, work }, [ssn], 'phi');
  });
});

describe('history within one push', () => {
  test('a value that is added and removed again is found in the commit that adds it', async () => {
    const { repo, work } = await seeded();
    const sample = secretSample('github-token', 41);
    const holder = await work.commit('Add', { [sample.path]: sample.text });
    await work.commit('Remove', { [sample.path]: 'nothing\n' });
    const { refusal } = await expectRefused({ repo, work }, [sample.value], 'secrets');
    expect(refusal.findings[0]).toMatchObject({ commit: holder, path: sample.path, line: 1 });
    expect(refusal.remedy.join('\n')).toContain(holder.slice(0, 12));
  });

  test('a value on a side branch of a merge', async () => {
    const { repo, work } = await seeded();
    const sample = secretSample('npm-token', 42);
    ok(await work.git('switch', '--quiet', '-c', 'side'));
    const holder = await work.commit('Add', { 'side/.npmrc': sample.text });
    ok(await work.git('rm', '--quiet', 'side/.npmrc'));
    await work.commit('Remove');
    ok(await work.git('switch', '--quiet', 'main'));
    await work.commit('Main goes on', { 'b.txt': 'x\n' });
    ok(await work.git('merge', '--quiet', '--no-ff', '-m', 'Merge', 'side'));
    const { refusal } = await expectRefused({ repo, work }, [sample.value], 'secrets');
    expect(refusal.findings[0]).toMatchObject({ commit: holder, path: 'side/.npmrc' });
  });

  test('one value in two files and two commits is told where it came first', async () => {
    const { repo, work } = await seeded();
    const sample = secretSample('stripe-live-key', 43);
    const first = await work.commit('One', { 'one/.env': sample.text });
    await work.commit('Two', { 'two/.env': `# more\n${sample.text}` });
    const { refusal } = await expectRefused({ repo, work }, [sample.value], 'secrets');
    expect(refusal.findings[0]).toMatchObject({ commit: first, path: 'one/.env' });
    expect(new Set(refusal.findings.map((finding) => finding.fingerprint)).size).toBe(1);
    expect(refusal.findings.map((finding) => finding.path)).toContain('two/.env');
  });

  test('what the upstream has already is not blamed', async () => {
    const sample = secretSample('github-token', 44);
    const repo = await forge.repo({ seed: { [sample.path]: sample.text } });
    const work = await repo.clone();
    const oid = await work.commit('Beside it', { 'b.txt': 'x\n' });
    ok(await work.push(target));
    expect((await repo.upstream.refs())['refs/heads/agent/content']).toBe(oid);
  });
});

test('files without a value land, whatever they look like', async () => {
  const random = createRandom(51);
  const { repo, work, oid } = await committed({
    'noise.bin': random.bytes(200_000),
    'package.json': '{"name":"x","version":"1.0.0","repository":"https://github.com/acme/x"}\n',
    'src/patient.ts':
      'export interface Patient {\n  firstName: string;\n  ssn: string;\n  birthDate: Date;\n}\n',
    'db/schema.sql': 'CREATE TABLE patients (mrn text, last_name text, ssn char(11), date_of_birth date);\n',
    'export.zip': zipOf({ 'a.txt': 'nothing in here\n' }),
    '.env.example': 'GITHUB_TOKEN=\nDATABASE_URL=postgres://user:password@localhost:5432/app\n',
  });
  const pushed = ok(await work.push(target));
  expect(pushed.stderr).not.toContain('forgeguard:');
  // What looks for values in all places does find what is there: the cache of what was just forwarded, what is kept as
  // evidence, and the name. Both are filled once the client has its answer.
  await expect
    .poll(() => placesThatHold(forge, ['export interface Patient'], pushed.stderr))
    .toEqual(['the database', expect.stringContaining('the objects in')]);
  expect(await placesThatHold(forge, ['agent/content'], pushed.stderr)).toEqual(
    expect.arrayContaining(['the output of the client', 'the database']),
  );
  expect((await repo.upstream.refs())['refs/heads/agent/content']).toBe(oid);
});

test('the log verifies', async () => {
  expect(await forge.guard.command(['audit', 'verify'])).toMatchObject({ code: 0 });
});
