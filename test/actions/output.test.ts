// What the Action writes: nothing that a file name or a message holds is a command, and what the runner's limits cut off
// is named.
import { lstat, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { commandLine, plainLine } from '../../actions/workflow-command.ts';
import { summarize } from '../../actions/summary.ts';
import { readFailOn, isNamed } from '../../actions/fail-on.ts';
import { policyFinding } from '../../scanners/finding-builder.ts';
import { makeWorkTree } from '../cli/work-tree.ts';
import { glue, ssn } from '../scanners/values.ts';
import { sarifProblems } from '../support/sarif/schema.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { readCommand, pullRequest, runStep } from './runner.ts';

describe('a line of the log', () => {
  const hostile = fc
    .array(
      fc.oneof(
        fc.constantFrom(
          '::',
          '##[',
          ']',
          ':',
          ',',
          '%',
          '\n',
          '\r',
          '\r\n',
          ' ',
          '=',
          '%0A',
          '::error::',
          '##[error]',
          '\u2028',
        ),
        fc.string({ unit: 'binary' }),
      ),
    )
    .map((parts) => parts.join(''));

  test('is no command, whatever stands in it', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const lines = plainLine(text).split(/[\r\n\u2028\u2029]/);
        expect(lines.slice(1)).toEqual(['']);
        expect(lines.flatMap(readCommand)).toEqual([]);
      }),
    );
  });

  test('is the one command that was meant, with the values that were meant', () => {
    fc.assert(
      fc.property(hostile, hostile, (file, text) => {
        const lines = commandLine('error', { file, line: 7, col: undefined }, text).split(/[\r\n]/);
        expect(lines.flatMap(readCommand)).toEqual([
          { name: 'error', properties: { file, line: '7' }, text },
        ]);
      }),
    );
  });
});

test('names and content cannot speak to the runner, and a name that holds a value is masked', async () => {
  await using tree = await makeWorkTree();
  const base = await tree.commit('one', { 'a.txt': 'a\n' });
  const held = glue('536-22-', '1880');
  const names = [
    '::error::x',
    'b\n::set-output name=result::passed',
    '##[error]y',
    '%0A::error::z',
    'c,line=9:.txt',
    'branch name',
    `ssn ${held}`,
  ];
  const head = await tree.commit(
    'two',
    Object.fromEntries(names.map((name) => [`d/${name}`, `ssn: ${ssn}\n::stop-commands::x\n`])),
  );
  const payload = pullRequest(base, head, {
    title: 'fine\n::error::mine',
    body: `::add-mask::x\n\nssn: ${ssn}\n`,
  });
  for (const format of ['text', 'json', 'sarif']) {
    const result = await runStep({
      workspace: tree.path,
      event: 'pull_request',
      payload,
      inputs: { format },
    });
    expect(result.code, result.log).toBe(1);
    expect(new Set(result.commands.map(({ name }) => name))).toEqual(new Set(['error']));
    expect(result.commands.map(({ properties }) => properties['file'])).toEqual(
      expect.arrayContaining(names.slice(0, 6).map((name) => `d/${name}`)),
    );
    expect(result.outputs['result']).toBe('failed');
    expect(sarifProblems(result.sarif)).toEqual([]);
    for (const value of [ssn, held]) expect(result.everything).not.toContain(value);
    expect(result.summary).not.toContain('::');
  }
});

test('of many findings the worst are annotated, and the rest is told', async () => {
  await using tree = await makeWorkTree();
  const base = await tree.commit('one', { 'a.txt': 'a\n' });
  const head = await tree.commit('two', { 'many.txt': `ssn: ${ssn}\n`.repeat(40) });
  const result = await runStep({
    workspace: tree.path,
    event: 'pull_request',
    payload: pullRequest(base, head),
  });
  expect(result.commands).toHaveLength(10);
  expect(result.outputs['failing']).toBe('40');
  expect(result.log).toContain('without an annotation of their own: 30');
  expect(result.log.match(/^error: many\.txt:\d+/gm)).toHaveLength(30);
  expect(result.summary.match(/^\| error /gm)).toHaveLength(40);
});

test('the summary keeps within what the runner takes', () => {
  const key = new Uint8Array(32);
  const finding = policyFinding('policy/unscannable', '&'.repeat(400), 1, 'x', key);
  const findings = Array.from({ length: 5000 }, () => ({ finding, level: 'error' as const }));
  const facts = {
    findings,
    excused: 0,
    reasons: [],
    files: 1,
    problems: [],
    policyDigest: 'd',
    policyName: 'default',
    altered: [],
    notes: [],
  };
  const text = summarize(facts, { shown: (path) => path, isFile: () => true });
  expect(Buffer.byteLength(text)).toBeLessThan(1024 * 1024);
  expect(text).toMatch(/The worst 500 are listed, 4500 are not/);
});

test('the SARIF file replaces a link that the change brought, and never leads out', async () => {
  await using tree = await makeWorkTree();
  await using outside = await temporaryDirectory('outside');
  await mkdir(join(tree.path, 'out'));
  await writeFile(join(outside.path, 'kept.txt'), 'kept');
  await symlink(join(outside.path, 'kept.txt'), join(tree.path, 'result.sarif'));
  await symlink(outside.path, join(tree.path, 'way'));
  await tree.commit('one', { 'a.txt': 'a\n' });
  const run = (file: string) =>
    runStep({ workspace: tree.path, event: 'schedule', payload: {}, inputs: { 'sarif-file': file } });
  const result = await run('result.sarif');
  expect([result.code, result.outputs['sarif-file']], result.log).toEqual([
    0,
    join(tree.path, 'result.sarif'),
  ]);
  expect((await lstat(join(tree.path, 'result.sarif'))).isFile()).toBe(true);
  expect(await readFile(join(outside.path, 'kept.txt'), 'utf8')).toBe('kept');
  for (const file of ['way/x.sarif', '../x.sarif', join(outside.path, 'x.sarif')])
    expect((await run(file)).code).toBe(2);
});

test.each([
  ['policy', []],
  ['any', ['low phi', 'high secret', 'critical policy']],
  ['phi', ['low phi']],
  ['high', ['high secret', 'critical policy']],
  ['secret:critical, phi:low', ['low phi']],
  ['policy:high', ['critical policy']],
] as const)('fail-on %s names these', (text, expected) => {
  const base = policyFinding('policy/unscannable', 'a', 1, 'x', new Uint8Array(32));
  const findings = [
    { ...base, category: 'phi', severity: 'low' },
    { ...base, category: 'secret', severity: 'high' },
    { ...base, category: 'policy', severity: 'critical' },
  ] as const;
  const named = findings.filter((finding) => isNamed(readFailOn(text), finding));
  expect(named.map(({ severity, category }) => `${severity} ${category}`)).toEqual(expected);
});

test.each(['', 'phi:', 'nothing', 'none,phi', 'phi:very'])('fail-on refuses %j', (text) => {
  expect(() => readFailOn(text)).toThrow(/fail-on/);
});
