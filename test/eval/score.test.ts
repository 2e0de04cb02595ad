// The figures of `npm run eval`: what counts as found, true, ignored and false, and a run over a set made here.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { covered, joined, overlap } from '../../bench/eval/intervals.ts';
import { scoreLines } from '../../bench/eval/score-lines.ts';
import { scoreSpans } from '../../bench/eval/score-spans.ts';
import type { Finding } from '../../scanners/finding.ts';
import { ssn } from '../scanners/values.ts';
import { run } from '../support/run.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

function finding(byteStart: number, byteEnd: number, more: Partial<Finding> = {}): Finding {
  return {
    rule: 'phi/name',
    category: 'phi',
    identifier: 'name',
    severity: 'high',
    confidence: 0.9,
    path: 'a',
    line: 1,
    column: 1,
    endLine: 1,
    endColumn: 1,
    byteStart,
    byteEnd,
    masked: '*',
    fingerprint: '',
    message: '',
    ...more,
  };
}

const span = (
  byteStart: number,
  byteEnd: number,
  more: { optional?: boolean; identifier?: string } = {},
) => ({
  byteStart,
  byteEnd,
  identifier: 'name',
  ...more,
});

function score(spans: readonly ReturnType<typeof span>[], findings: readonly Finding[], threshold = 0.4) {
  return scoreSpans([{ file: 'a', spans }], () => findings, threshold);
}

test('intervals', () => {
  expect(overlap({ start: 0, end: 10 }, { start: 5, end: 15 })).toBeCloseTo(1 / 3);
  const all = joined([
    { start: 5, end: 8 },
    { start: 0, end: 3 },
    { start: 3, end: 4 },
  ]);
  expect(all).toEqual([
    { start: 0, end: 4 },
    { start: 5, end: 8 },
  ]);
  expect(covered({ start: 2, end: 7 }, all)).toBe(4);
});

describe('a demanded label is found', () => {
  test.each([
    ['by the same bytes', [finding(10, 20)], true],
    ['by half the same bytes', [finding(13, 20)], true],
    ['not by less', [finding(16, 20)], false],
    ['by fragments that cover half of it', [finding(10, 13), finding(17, 20)], true],
    ['by one that also covers its labelled neighbour', [finding(10, 30)], true],
    ['not by one that covers much else', [finding(0, 60)], false],
    ['not below the threshold', [finding(10, 20, { confidence: 0.3 })], false],
    ['not by another category', [finding(10, 20, { category: 'secret' })], false],
  ] as const)('%s', (_, findings, isFound) => {
    const result = score([span(10, 20), span(20, 30, { optional: true })], findings);
    expect([result.labels, result.found]).toEqual([1, isFound ? 1 : 0]);
  });
});

test('findings are true, ignored or false, and equal ones are one', () => {
  const result = score(
    [span(0, 10), span(20, 30, { optional: true })],
    [finding(0, 10), finding(0, 10, { identifier: 'other' }), finding(20, 30), finding(40, 50)],
  );
  expect(result).toMatchObject({ true: 1, ignored: 1, false: 1, precision: 0.5, recall: 1 });
  expect(result.byIdentifier).toMatchObject({ name: { labels: 1, precision: 0.5, recall: 1 } });
  expect(score([], [finding(1, 2)])).toMatchObject({ negatives: 1, negativesFlagged: 1000 });
});

test('credentials are counted by lines', () => {
  const secret = (line: number, endLine = line) => finding(0, 1, { category: 'secret', line, endLine });
  const lines = [
    { line: 3, lineEnd: 5, label: 'T' as const },
    { line: 9, label: 'T' as const },
    { line: 12, label: 'F' as const },
    { line: 14, label: 'X' as const },
  ];
  const findings = [secret(4), secret(5, 6), secret(12), secret(12), secret(14), secret(20)];
  expect(scoreLines([{ file: 'a', lines }], () => findings, 0.4)).toMatchObject({
    credentials: 2,
    hit: 1,
    falseLines: 2,
    falseOnLabelled: 1,
    precision: 1 / 3,
    recall: 0.5,
  });
});

describe('npm run eval', () => {
  const program = fileURLToPath(new URL('../../bench/eval/main.ts', import.meta.url));
  const evaluate = (...args: readonly string[]) =>
    run(process.execPath, [program, ...args], { env: { PATH: process.env['PATH'] ?? '' } });

  test('scores a folder of sets and writes the figures', async () => {
    await using directory = await temporaryDirectory('eval');
    const files = join(directory.path, 'one', 'files');
    await mkdir(files, { recursive: true });
    await writeFile(join(files, 'a.txt'), `ssn: ${ssn}\n`);
    const spans = [{ byteStart: 5, byteEnd: 16, identifier: 'ssn' }];
    await writeFile(
      join(directory.path, 'one', 'labels.jsonl'),
      `${JSON.stringify({ file: 'a.txt', spans })}\n`,
    );
    const json = join(directory.path, 'figures.json');
    const { code, stdout } = await evaluate(directory.path, '--thresholds', '0.5', '--json', json);
    expect(code).toBe(0);
    expect(stdout).toContain('0.50  precision 1.000  recall 1.000  F1 1.000  documents 1 of 1');
    expect(stdout).not.toContain(ssn);
    const written = z
      .object({ outcomes: z.array(z.unknown()) })
      .parse(JSON.parse(await readFile(json, 'utf8')));
    expect(written.outcomes).toMatchObject([
      { set: 'one', scores: [{ threshold: 0.5, score: { found: 1 } }] },
    ]);
  });

  test('counts flagged files of a folder without labels', async () => {
    await using directory = await temporaryDirectory('eval');
    await writeFile(join(directory.path, 'a.txt'), `ssn: ${ssn}\n`);
    for (const name of ['b', 'c', 'd']) await writeFile(join(directory.path, `${name}.txt`), 'nothing\n');
    const { stdout } = await evaluate(directory.path, '--thresholds', '0.85');
    expect(stdout).toContain('0.85  phi 250.00  secret 0.00  policy 0.00\n        phi/ssn in 1 files');
    expect(await evaluate(directory.path, '--thresholds', 'x')).toMatchObject({ code: 2 });
  });
});
