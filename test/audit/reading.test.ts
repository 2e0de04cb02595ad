// Runs of entries read by threads: the same is found as in this thread, in the same order, whatever becomes of a thread.
import { describe, expect, test } from 'vitest';
import { entryBytes, prepareEvent, withSealed } from '../../core/audit-entry.ts';
import type { AuditEvent } from '../../core/audit-event.ts';
import { readRun, type FoundEntry } from '../../core/entry-run.ts';
import { LogWalk } from '../../core/log-walk.ts';
import { hashLength, leafHash } from '../../core/merkle.ts';
import type { RunSource } from '../../server/audit/packed-entries.ts';
import { createRunReader, inOrder } from '../../server/audit/reading/run-reader.ts';
import { auditEvent } from '../support/audit.ts';

const start = Date.parse('2026-03-01T12:00:00.000Z');
const key = 'a'.repeat(16);

const shredded: AuditEvent = {
  action: 'audit.shredded',
  request: 'r',
  actor: null,
  repository: null,
  details: { key },
};

/** Entries of a log from `first` on; the seventh of them is sealed, the ninth says that its key was destroyed. */
function madeEntries(first: number, count: number): readonly FoundEntry[] {
  return Array.from({ length: count }, (_, at) => {
    const index = first + at;
    const event = at === 8 ? shredded : auditEvent(`request-${index}`, 'push.received', 'a note');
    const time = new Date(start + index);
    const prepared = prepareEvent(event, time, at === 6);
    const body = entryBytes(withSealed(prepared, { key, data: 'AAAA' }), { index, time });
    return { index, body, leafHash: leafHash(body) };
  });
}

function packed(entries: readonly FoundEntry[]): RunSource {
  const parts = entries.flatMap(({ index, body, leafHash: leaf }) => {
    const head = Buffer.alloc(12);
    head.writeUInt32BE(index, 4);
    head.writeUInt32BE(body.length, 8);
    return [head, leaf, body];
  });
  return { kind: 'packed', packed: Buffer.concat(parts) };
}

function bundle(entries: readonly FoundEntry[]): RunSource {
  const parts = entries.flatMap(({ body }) => [Buffer.from([body.length >> 8, body.length & 0xff]), body]);
  const leaves = entries.map(({ leafHash: leaf }) => leaf);
  return { kind: 'bundle', first: entries[0]?.index ?? 0, bundle: Buffer.concat(parts), leaves };
}

const sound = madeEntries(256, 300);
const replaced = (at: number, change: Partial<FoundEntry>): readonly FoundEntry[] =>
  sound.map((entry, place) => (place === at ? { ...entry, ...change } : entry));
const other = Buffer.from('{"v":1}');

/** What has something wrong, by what it is. */
const odd: Readonly<Record<string, readonly FoundEntry[]>> = {
  'no entries': [],
  'a changed entry': replaced(17, { body: other }),
  'a changed entry with its hash': replaced(17, { body: other, leafHash: leafHash(other) }),
  'an entry that is missing': sound.filter((_, at) => at !== 17),
  'an entry that comes twice': sound.flatMap((entry, at) => (at === 17 ? [entry, entry] : [entry])),
  'a time that runs backwards': [
    ...sound.slice(0, 17),
    ...madeEntries(0, 1).map(({ index }) => {
      const time = new Date(start - index - 1);
      const body = entryBytes(prepareEvent(auditEvent('late'), time), { index: 256 + 17, time });
      return { index: 256 + 17, body, leafHash: leafHash(body) };
    }),
    ...sound.slice(18),
  ],
};

describe('a run', () => {
  test('tells its hashes, times, sealed texts and what it says about the log', () => {
    const run = readRun(sound);
    expect(run).toMatchObject({ first: 256, earliest: '2026-03-01T12:00:00.256Z' });
    expect(run?.latest).toBe('2026-03-01T12:00:00.555Z');
    expect(run?.leaves.length).toBe(300 * hashLength);
    expect(run?.sealed).toMatchObject([{ index: 262, key }]);
    expect(run?.told.map(({ index, action }) => [index, action])).toEqual([[264, 'audit.shredded']]);
  });

  test.each(Object.entries(odd))('with %s is not sound', (_, entries) => {
    expect(readRun(entries)).toBeUndefined();
  });

  test('leads a walk to where its entries lead it one by one', () => {
    const entries = madeEntries(0, 700);
    const [slow, fast] = [new LogWalk({ keys: [] }), new LogWalk({ keys: [] })];
    const nodes = entries.map(({ index, body, leafHash: leaf }) => slow.entry(index, body, leaf));
    const run = readRun(entries);
    expect(run !== undefined && fast.begin(run)).toBe(true);
    expect(entries.map(({ leafHash: leaf }) => fast.sound(leaf))).toEqual(nodes);
    for (const what of ['edge', 'next', 'sealedBy', 'shredded', 'problemCount'] as const)
      expect(fast[what]).toEqual(slow[what]);
    // It is behind it now.
    expect(run !== undefined && fast.begin(run)).toBe(false);
  });
});

describe('threads', () => {
  test('read what is read without them', async () => {
    await using threads = createRunReader(0, 2);
    await using none = createRunReader(0);
    const sources = [sound, ...Object.values(odd)].flatMap((entries) => [packed(entries), bundle(entries)]);
    const found = await Promise.all(sources.map((source) => threads.read(source)));
    const expected = await Promise.all(sources.map((source) => none.read(source)));
    // Those of the sound entries only; a bundle does not say which entry it lacks, the entries do.
    expect(expected.map((run) => run !== undefined)).toEqual(sources.map((_, at) => at < 2));
    for (const [at, run] of found.entries()) {
      const wanted = expected[at];
      expect(run && { ...run, leaves: [...run.leaves] }).toEqual(
        wanted && { ...wanted, leaves: [...wanted.leaves] },
      );
    }
  });

  test('that are gone leave nothing unread', async () => {
    const reader = createRunReader(0, 1);
    const asked = reader.read(packed(sound));
    await reader[Symbol.asyncDispose]();
    expect(await asked).toMatchObject({ first: 256 });
    expect(await reader.read(packed(sound))).toMatchObject({ first: 256 });
  });
});

describe('work in order', () => {
  test('comes in its order, with so much under way and no more', async () => {
    let [underWay, most] = [0, 0];
    const begin = (at: number): Promise<number> | undefined => {
      if (at === 20) return undefined;
      most = Math.max(most, (underWay += 1));
      return new Promise((resolve) => {
        setTimeout(
          () => {
            underWay -= 1;
            resolve(at);
          },
          (at * 7) % 5,
        );
      });
    };
    const seen: number[] = [];
    for await (const at of inOrder(begin, 3)) seen.push(at);
    expect(seen).toEqual(Array.from({ length: 20 }, (_, at) => at));
    expect(most).toBeLessThanOrEqual(4);
  });

  test('tells of a failure where its turn is', async () => {
    const seen: number[] = [];
    const begin = (at: number): Promise<number> =>
      at === 2 ? Promise.reject(new Error('the third')) : Promise.resolve(at);
    const walk = async (): Promise<void> => {
      for await (const at of inOrder(begin, 5)) seen.push(at);
    };
    await expect(walk()).rejects.toThrow('the third');
    expect(seen).toEqual([0, 1]);
  });
});
