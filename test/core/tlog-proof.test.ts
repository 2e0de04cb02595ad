// Proofs as text: the form of the specification, the round trip, and what must not be read.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { consistencyText, inclusionText, parseConsistency, parseInclusion } from '../../core/tlog-proof.ts';

const hash = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes));
const checkpoint = 'example.com/log\n7\nAAAA\n\n— example.com/log AAAA\n';
const hashLine = Buffer.alloc(32, 7).toString('base64');

test('a proof of inclusion is written as the specification says', () => {
  const hashes = [Buffer.alloc(32, 7)];
  const entry = Buffer.from('{}');
  expect(inclusionText({ index: 73_894, entry, hashes, checkpoint })).toBe(
    `c2sp.org/tlog-proof@v1\nextra e30=\nindex 73894\n${hashLine}\n\n${checkpoint}`,
  );
  expect(inclusionText({ index: 0, entry: undefined, hashes: [], checkpoint })).toBe(
    `c2sp.org/tlog-proof@v1\nindex 0\n\n${checkpoint}`,
  );
});

test('both survive the round trip', () => {
  const hashes = fc.array(hash, { maxLength: 63 });
  const entry = fc.option(
    fc.uint8Array().map((bytes) => Buffer.from(bytes)),
    { nil: undefined },
  );
  fc.assert(
    fc.property(fc.maxSafeNat(), hashes, entry, (number, path, extra) => {
      const inclusion = { index: number, entry: extra, hashes: path, checkpoint };
      expect(parseInclusion(inclusionText(inclusion))).toEqual(inclusion);
      const consistency = { oldSize: number, hashes: path, checkpoint };
      expect(parseConsistency(consistencyText(consistency))).toEqual(consistency);
    }),
  );
});

describe('what is no proof of inclusion', () => {
  const good = `c2sp.org/tlog-proof@v1\nextra e30=\nindex 5\n${hashLine}\n\n${checkpoint}`;
  test('differs from a good one', () => expect(parseInclusion(good)).toBeDefined());
  test.each([
    ['nothing', ''],
    ['another version', good.replace('@v1', '@v2')],
    ['no index', good.replace('index 5\n', '')],
    ['a leading zero', good.replace('index 5', 'index 05')],
    ['an index that is no number', good.replace('index 5', 'index five')],
    ['an index beyond exact numbers', good.replace('index 5', 'index 9007199254740993')],
    ['a short hash', good.replace(hashLine, 'AAAA')],
    ['a hash in another form of base64', good.replace(hashLine, hashLine.replaceAll('=', ''))],
    ['extra data in another form of base64', good.replace('e30=', 'e31=')],
    ['too many hashes', good.replace(hashLine, Array.from({ length: 64 }, () => hashLine).join('\n'))],
    ['no checkpoint', good.slice(0, good.indexOf('\n\n'))],
    ['a line of another kind', good.replace('index 5', 'index 5\nmore')],
    ['something very long', good + 'x'.repeat(300_000)],
  ])('%s', (_name, text) => expect(parseInclusion(text)).toBeUndefined());

  test('nor of consistency', () => expect(parseConsistency(good)).toBeUndefined());
});
