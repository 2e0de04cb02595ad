// Random bytes in small pieces: none is handed out twice, and none can be changed or seen by whoever has another.
import { expect, test } from 'vitest';
import { drawRandom } from '../../core/random.ts';

test('pieces are of the size that was asked for, and no two are the same', () => {
  const pieces = Array.from({ length: 3_000 }, (_, at) => drawRandom(at % 2 === 0 ? 12 : 16));
  expect(pieces.every((piece, at) => piece.length === (at % 2 === 0 ? 12 : 16))).toBe(true);
  expect(new Set(pieces.map((piece) => piece.toString('hex'))).size).toBe(3_000);
  // All values of a byte come up among 42,000.
  expect(new Set(pieces.flatMap((piece) => [...piece])).size).toBe(256);
});

test('a piece stays as it is, whatever is drawn after it or done with others', () => {
  const first = drawRandom(16);
  const copy = first.toString('hex');
  for (let count = 0; count < 1_000; count += 1) drawRandom(16).fill(0);
  expect(first.toString('hex')).toBe(copy);
});

test('large pieces are refused', () => {
  expect(drawRandom(256).length).toBe(256);
  expect(() => drawRandom(257)).toThrow(RangeError);
});
