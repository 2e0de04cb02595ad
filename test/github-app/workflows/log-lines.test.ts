// A log is taken apart the same however it is cut into chunks; what is GitHub's own in it is taken off, and no more.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type LogPiece, readLogPieces, textOf } from '../../../github-app/workflows/log-lines.ts';

async function* inPieces(bytes: Uint8Array, cuts: readonly number[]): AsyncGenerator<Uint8Array> {
  let from = 0;
  for (const cut of [...cuts].sort((a, b) => a - b)) {
    yield bytes.subarray(from, cut);
    from = cut;
  }
  yield bytes.subarray(from);
}

async function read(text: string, cuts: readonly number[] = []): Promise<readonly LogPiece[]> {
  const pieces: LogPiece[] = [];
  for await (const batch of readLogPieces(inPieces(Buffer.from(text), cuts))) pieces.push(...batch);
  return pieces;
}

const stamp = '2026-11-20T10:00:00.1234567Z';

describe('a line', () => {
  test('loses its time and its mark, which are kept apart', async () => {
    const [piece] = await read(`\uFEFF${stamp} ##[error]it failed\r\n`);
    expect(piece).toEqual({
      at: Date.parse('2026-11-20T10:00:00.123Z'),
      mark: '##[error]',
      text: 'it failed',
      endsLine: true,
    });
  });

  test('keeps a second time, which the program wrote itself', async () => {
    const [piece] = await read(`${stamp} ${stamp} x\n`);
    expect(piece?.text).toBe(`${stamp} x`);
  });

  test('has the time of the line before where it has none, and time never goes back', async () => {
    const pieces = await read(`${stamp} a\nb\n2020-01-01T00:00:00.0000000Z c\n`);
    expect(new Set(pieces.map(({ at }) => at)).size).toBe(1);
    expect(pieces.map(({ text }) => text)).toEqual(['a', 'b', 'c']);
  });

  test('loses sequences for a terminal, also in the middle of a word', async () => {
    const [piece] = await read(`${stamp} \u001b[36;1mab\u001b[0mcd\u001b]8;;http://x\u0007e\n`);
    expect(piece?.text).toBe('abcde');
  });

  test('that is very long comes in pieces that make the whole', async () => {
    const long = 'é\u{1f600}x'.repeat(60_000);
    const pieces = await read(`${stamp} ${long}\nend\n`);
    expect(pieces.length).toBeGreaterThan(3);
    expect(Buffer.from(textOf(pieces)).toString()).toBe(`${long}\nend\n`);
    expect(pieces.every(({ text }) => text.isWellFormed())).toBe(true);
  });
});

test('how it is cut into chunks changes nothing', async () => {
  const token = fc.constantFrom(
    stamp,
    ' ',
    '\n',
    '\r\n',
    '##[group]',
    '\u001b[0m',
    '\u001b',
    'a',
    'é',
    '\u{1f600}',
    '[',
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(token, { maxLength: 40 }),
      fc.array(fc.nat(400), { maxLength: 8 }),
      async (words, cuts) => {
        const text = words.join('');
        const { length } = Buffer.from(text);
        const whole = await read(text);
        expect(
          await read(
            text,
            cuts.map((cut) => Math.min(cut, length)),
          ),
        ).toEqual(whole);
      },
    ),
    { numRuns: 200 },
  );
});
