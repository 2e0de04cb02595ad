// The redacted copy of a log: every line in its place and with its time, every value hidden wherever it stands, whatever a
// redactor has left.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { copyLog, type CopiedLine } from '../../../github-app/workflows/log-copy.ts';
import { readValues } from '../../../github-app/workflows/known-values.ts';
import { type LogPiece, textOf } from '../../../github-app/workflows/log-lines.ts';
import { LineTimes } from '../../../github-app/workflows/line-times.ts';
import type { Finding } from '../../../scanners/finding.ts';
import { createScanPool, type ScanPool } from '../../../server/scanning/pool.ts';
import { secretSample } from '../../support/secrets.ts';

let pool: ScanPool;
beforeAll(async () => {
  pool = await createScanPool({ fingerprintKey: new Uint8Array(32), threads: 1 });
});
afterAll(() => pool[Symbol.asyncDispose]());

const { signal } = new AbortController();

const piecesOf = (lines: readonly string[]): readonly LogPiece[] =>
  lines.map((text, index) => ({ at: index * 1_000, mark: '', text, endsLine: true }));

async function* once<T>(value: T): AsyncGenerator<T> {
  yield value;
}

async function copied(
  pieces: readonly LogPiece[],
  scanned: readonly Finding[],
): Promise<readonly CopiedLine[]> {
  const values = await readValues(once(textOf(pieces)), scanned);
  const lines: CopiedLine[] = [];
  for await (const part of copyLog(once(pieces), { scanner: pool, values, confidence: 0.6, signal }))
    lines.push(...part);
  return lines;
}

const scan = async (pieces: readonly LogPiece[]): Promise<readonly Finding[]> =>
  (await pool.scan({ kind: 'file', path: 'job.log' }, textOf(pieces), signal)).findings;

describe('a copy', () => {
  test('hides a value also where nothing tells what it is', async () => {
    const { value } = secretSample('generic-password', 5);
    const pieces = piecesOf([`DB_PASSWORD="${value}"`, `bare ${value}`, 'other']);
    const findings = await scan(pieces);
    expect(findings.length).toBeGreaterThan(0);
    const lines = await copied(pieces, findings);
    expect(lines.map(({ at }) => at)).toEqual([0, 1_000, 2_000]);
    expect(lines[1]?.text).toMatch(/^bare \*+$/);
    expect(lines[2]?.text).toBe('other');
  });

  test('hides each line of a key', async () => {
    const { value } = secretSample('private-key');
    const body = value.trim().split('\n');
    const pieces = piecesOf([...body, `again ${body[1] ?? ''}`]);
    const lines = await copied(pieces, await scan(pieces));
    for (const line of body.slice(1, -1)) expect(lines.some(({ text }) => text.includes(line))).toBe(false);
  });

  test('hides a line as a whole in which a redactor has left a value', async () => {
    const { value } = secretSample('github-token', 3);
    const blind = {
      scan: pool.scan.bind(pool),
      redactStream: (_options: unknown, source: AsyncIterable<Uint8Array>) => source,
    };
    const values = { hideIn: (lines: readonly string[]) => Promise.resolve(lines) };
    const parts: (readonly CopiedLine[])[] = [];
    const pieces = piecesOf(['one', `GITHUB_TOKEN=${value}`, 'three']);
    for await (const part of copyLog(once(pieces), { scanner: blind, values, confidence: 0.6, signal }))
      parts.push(part);
    expect(parts.flat().map(({ text }) => text)).toEqual(['one', '(a line that holds a value)', 'three']);
  });

  test('of a long log comes in parts, with nothing lost', async () => {
    const pieces = piecesOf(Array.from({ length: 30_000 }, (_, n) => `line ${n} says nothing of interest`));
    const parts: (readonly CopiedLine[])[] = [];
    const values = await readValues(once(new Uint8Array(0)), []);
    for await (const part of copyLog(once(pieces), { scanner: pool, values, confidence: 0.6, signal }))
      parts.push(part);
    expect(parts.length).toBeGreaterThan(1);
    expect(parts.flat().map(({ text }) => text)).toEqual(pieces.map(({ text }) => text));
  });
});

test('times of lines are exact, and of a very long log never too late', () => {
  const times = new LineTimes();
  for (let line = 1; line <= 200_000; line += 1) {
    times.add(line);
    if (line === 60_000) expect(times.at(59_999)).toBe(59_999);
  }
  for (const line of [1, 2, 65_537, 199_999]) {
    const at = times.at(line) ?? Infinity;
    expect(at).toBeLessThanOrEqual(line);
    expect(line - at).toBeLessThan(8);
  }
});
