// What a receiver kept, judged: every way in which it can be wrong is told, and what is only repeated or cut is not.
import { createHash, generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createSigner, signCheckpoint } from '../../core/checkpoint.ts';
import { coveringNodes, type Hash } from '../../core/merkle.ts';
import { ReceivedLog } from '../../core/received.ts';
import { recordText, type ShippedItem } from '../../core/shipped-record.ts';
import { ocsfEvent } from '../../server/sinks/ocsf.ts';
import { shippedEntry } from '../support/shipped.ts';

const name = 'guard.example.org/audit';
const signer = createSigner(name, generateKeyPairSync('ed25519').privateKey);
const count = 21;
const entries = Array.from({ length: count }, (_, at) =>
  shippedEntry(
    { action: 'fetch.served', request: `r-${at}`, actor: null, repository: null, details: { at } },
    at,
  ),
);

/** The tree's hash over [begin, end) by the definition of RFC 6962 §2.1, with nothing of the product. */
function treeHash(begin: number, end: number): Buffer {
  if (end - begin === 1) return Buffer.from(entries[begin]?.leaf ?? []);
  let half = 1;
  while (half * 2 < end - begin) half *= 2;
  const sides = [treeHash(begin, begin + half), treeHash(begin + half, end)];
  return createHash('sha256').update(Uint8Array.of(1)).update(Buffer.concat(sides)).digest();
}

const nodesOf = (from: number, past: number): readonly Hash[] =>
  from === past
    ? []
    : coveringNodes(from, past).map(({ level, index }) =>
        treeHash(index * 2 ** level, (index + 1) * 2 ** level),
      );
const skipped = (from: number, past: number): ShippedItem => ({
  kind: 'skipped',
  from,
  past,
  nodes: nodesOf(from, past),
  why: 'filter',
});
const checkpoint = (size: number, since = 0, root = treeHash(0, size)): ShippedItem => ({
  kind: 'checkpoint',
  size,
  note: signCheckpoint({ size, root }, signer),
  edge: { size: since, nodes: nodesOf(0, since) },
});

const lines = (items: readonly (ShippedItem | undefined)[]): readonly string[] =>
  items.filter((item) => item !== undefined).map((item) => recordText(name, item));
function judge(texts: readonly string[], kept: readonly string[] = []) {
  const log = new ReceivedLog();
  for (const text of texts) log.add(text);
  return log.result(signer, kept);
}
const kinds = (texts: readonly string[], kept: readonly string[] = []) =>
  judge(texts, kept).problems.map(({ kind, at }) => [kind, at]);
const whole = lines([...entries, checkpoint(count)]);

describe('what is sound', () => {
  test('is proved, in any order and with repetitions, with a header in front', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray([...whole, ...whole], { minLength: whole.length * 2 }), (shuffled) => {
        const result = judge(
          shuffled.map((line, at) => (at % 2 ? line : `Mar  1 host forgeguard: \uFEFF${line}`)),
        );
        expect(result).toMatchObject({
          ok: true,
          past: count,
          entries: count,
          duplicates: count,
          provedTo: count,
        });
      }),
      { numRuns: 30 },
    );
  });

  test('may have stretches left out anywhere, in pieces that overlap', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(count - 1), fc.nat(count)), { maxLength: 6 }), (pairs) => {
        const ranges = pairs.map(([from, length]) => [from, Math.min(count, from + length + 1)] as const);
        const isOut = (at: number): boolean => ranges.some(([from, past]) => at >= from && at < past);
        const kept = entries.filter(({ seq }) => !isOut(seq));
        const result = judge(
          lines([...kept, ...ranges.map(([from, past]) => skipped(from, past)), checkpoint(count)]),
        );
        expect(result).toMatchObject({ ok: true, past: count, provedTo: count, checkpoints: 1 });
      }),
      { numRuns: 60 },
    );
  });

  test.each([1, 2, 7, 8, 13, 20])('proves itself from entry %i on by the edge', (since) => {
    const result = judge(lines([...entries.slice(since), checkpoint(count, since)]));
    expect(result).toMatchObject({
      ok: true,
      first: since,
      provedFrom: since,
      provedTo: count,
      checkpoints: 1,
    });
  });

  test('may be OCSF events', () => {
    const items = [...entries.slice(0, 5), skipped(5, 9), ...entries.slice(9), checkpoint(count)];
    const texts = items.map((item) => JSON.stringify(ocsfEvent(name, item, new Date())));
    expect(judge(texts)).toMatchObject({ ok: true, provedTo: count, skipped: { filter: 4 } });
  });

  test('may be cut, and a torn line is only counted', () => {
    const texts = entries.map((item) => recordText(name, item, 10));
    const result = judge([...texts, ...lines([checkpoint(count)]), '{"entry":{"act', '', 'hello']);
    expect(result).toMatchObject({ ok: true, cut: count, unreadable: 2, provedTo: count });
  });
});

describe('what is wrong', () => {
  const without = (seq: number): readonly string[] => whole.filter((_, at) => at !== seq);

  test('an entry is missing', () => {
    expect(kinds(without(9))).toEqual([['gap', 9]]);
    expect(judge(without(9)).problems[0]?.message).toBe('is missing');
    expect(kinds(whole.filter((_, at) => at < 4 || at > 8))).toEqual([['gap', 4]]);
    // The signature does not cover what comes behind a gap.
    expect(judge(without(9)).checkpoints).toBe(0);
  });

  test('what comes behind a gap is proved by the next edge', () => {
    const texts = lines([...entries.slice(0, 9), ...entries.slice(10), checkpoint(9), checkpoint(count, 14)]);
    const result = judge(texts);
    expect(result).toMatchObject({ ok: false, checkpoints: 2, provedFrom: 14, provedTo: count });
    expect(result.problems.map(({ at }) => at)).toEqual([9]);
  });

  test('the end is missing', () => {
    expect(kinds(whole.filter((_, at) => at < 15 || at === count))).toEqual([['gap', 15]]);
    const item = checkpoint(count);
    const note = item.kind === 'checkpoint' ? item.note : '';
    expect(kinds(whole.slice(0, 15), [note])).toEqual([['gap', 15]]);
  });

  test('an entry was changed', () => {
    const changed = whole.map((line, at) => (at === 5 ? line.replace('"r-5"', '"r-x"') : line));
    expect(kinds(changed)).toEqual([['altered', 5]]);
  });

  test('an entry was changed with its leaf hash', () => {
    const other = shippedEntry(
      { action: 'fetch.served', request: 'other', actor: null, repository: null, details: {} },
      5,
    );
    expect(kinds([...without(5), ...lines([other])])).toEqual([['other-history', count]]);
    expect(kinds([...whole, ...lines([other])])).toEqual([['contradiction', 5]]);
  });

  test('entries changed places', () => {
    const [five, six] = [whole[5] ?? '', whole[6] ?? ''];
    const swapped = [five.replace(/"seq":5}$/, '"seq":6}'), six.replace(/"seq":6}$/, '"seq":5}')];
    expect(kinds([...whole.filter((_, at) => at !== 5 && at !== 6), ...swapped])).toEqual([
      ['altered', 6],
      ['altered', 5],
      ['other-history', count],
    ]);
  });

  test('a stretch is said to be left out that is not that of the log', () => {
    const item = skipped(4, 8);
    const [hash] = nodesOf(8, 12);
    if (item.kind !== 'skipped' || hash === undefined) throw new Error('no hash');
    const texts = lines([
      ...entries.slice(0, 4),
      { ...item, nodes: [hash] },
      ...entries.slice(8),
      checkpoint(count),
    ]);
    expect(kinds(texts)).toEqual([['other-history', count]]);
  });

  test('a checkpoint is signed by somebody else, or is of another history', () => {
    const stranger = createSigner(name, generateKeyPairSync('ed25519').privateKey);
    const forged = {
      ...checkpoint(count),
      note: signCheckpoint({ size: count, root: treeHash(0, count) }, stranger),
    };
    expect(kinds(lines([...entries, forged as ShippedItem]))).toEqual([['unsigned', count]]);
    expect(kinds(lines([...entries, checkpoint(count, 0, treeHash(0, 4))]))).toEqual([
      ['other-history', count],
    ]);
  });

  test('a line is of another log', () => {
    expect(kinds([...whole, recordText('another', entries[3] ?? skipped(0, 1))])).toEqual([['other-log', 0]]);
  });
});
