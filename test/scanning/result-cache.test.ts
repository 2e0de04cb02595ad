// Results that are known are given again, for the same content in the same place and nothing else, in bounded memory.
import { describe, expect, test } from 'vitest';
import { createScanPool } from '../../server/scanning/pool.ts';
import { ResultCache } from '../../server/scanning/result-cache.ts';
import { glue } from '../scanners/values.ts';

const never = new AbortController().signal;
const file = { kind: 'file', path: 'a.txt' } as const;
const clean = { findings: [], bytes: 1 };

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(Buffer.from(text));
}

async function* unreadable(): AsyncGenerator<Uint8Array> {
  yield await Promise.reject(new Error('a source was read that need not be'));
}

describe('a cache of results', () => {
  test('knows a result by content, kind and path', () => {
    const cache = new ResultCache(10_000);
    cache.set(file, 'c1', clean);
    expect(cache.get(file, 'c1')).toBe(clean);
    expect(cache.get(file, 'c2')).toBeUndefined();
    expect(cache.get({ kind: 'message', path: 'a.txt' }, 'c1')).toBeUndefined();
    expect(cache.get({ kind: 'file', path: 'test/a.txt' }, 'c1')).toBeUndefined();
  });

  test('forgets what was not asked for in the longest time', () => {
    const cache = new ResultCache(3_000);
    for (let n = 0; n < 100; n++) {
      cache.set(file, `c${n}`, clean);
      expect(cache.get(file, 'c0')).toBe(clean);
    }
    const known = Array.from({ length: 100 }, (_, n) => n).filter(
      (n) => cache.get(file, `c${n}`) !== undefined,
    );
    expect(known).toEqual([0, ...known.slice(1)]);
    expect(known.at(-1)).toBe(99);
    expect(known.length).toBeGreaterThan(5);
    expect(known.length).toBeLessThan(16);
  });

  test('keeps no result that would push out the others', async () => {
    const cache = new ResultCache(8_000);
    await using pool = await createScanPool({ fingerprintKey: new Uint8Array(32), threads: 1 });
    const line = glue('ssn: 536-22-', '1879\n');
    const many = await pool.scan(file, bytesOf(line.repeat(20)), never);
    cache.set(file, 'few', clean);
    cache.set(file, 'many', many);
    expect(many.findings).toHaveLength(20);
    expect([cache.get(file, 'few'), cache.get(file, 'many')]).toEqual([clean, undefined]);
  });
});

describe('a pool that is told what content it scans', () => {
  test('scans it once for each path, whole or as a stream', async () => {
    await using pool = await createScanPool({ fingerprintKey: new Uint8Array(32), threads: 1 });
    const text = glue('ssn: 536-22-', '1879\n');
    const first = await pool.scan(file, bytesOf(text), never, 'c1');
    expect(first.findings).toHaveLength(1);
    expect(await pool.scanStream(file, unreadable(), never, 'c1')).toBe(first);
    const moved = await pool.scan({ kind: 'file', path: 'b.txt' }, bytesOf(text), never, 'c1');
    expect(moved.findings.map(({ path }) => path)).toEqual(['b.txt']);
    await expect(pool.scanStream(file, unreadable(), never, 'c2')).rejects.toThrow('need not be');
    await expect(pool.scanStream(file, unreadable(), never)).rejects.toThrow('need not be');
  });

  test('keeps nothing of a scan that failed or was cancelled', async () => {
    await using pool = await createScanPool({ fingerprintKey: new Uint8Array(32), threads: 1 });
    const abort = new AbortController();
    const scan = pool.scan(file, bytesOf('nothing'), abort.signal, 'c1');
    abort.abort();
    await expect(scan).rejects.toMatchObject({ code: 'request/cancelled' });
    expect(
      (await pool.scan(file, bytesOf(glue('ssn: 536-22-', '1879\n')), never, 'c1')).findings,
    ).toHaveLength(1);
    await expect(pool.scan(file, bytesOf('nothing'), abort.signal, 'c1')).rejects.toMatchObject({
      code: 'request/cancelled',
    });
  });

  test('gives no result once it is closed', async () => {
    const pool = await createScanPool({ fingerprintKey: new Uint8Array(32), threads: 1 });
    await pool.scan(file, bytesOf('nothing'), never, 'c1');
    await pool[Symbol.asyncDispose]();
    await expect(pool.scan(file, bytesOf('nothing'), never, 'c1')).rejects.toMatchObject({
      code: 'scan/failed',
    });
  });
});
