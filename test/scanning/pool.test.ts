// The pool with real threads: results, streams, cancellation, a thread that hangs, and an end that leaves nothing.
import { describe, expect, test } from 'vitest';
import { GuardError } from '../../core/errors.ts';
import { catalogDigest } from '../../scanners/catalog.ts';
import { createScanPool } from '../../server/scanning/pool.ts';
import { glue } from '../scanners/values.ts';

const fingerprintKey = new Uint8Array(32);
const file = { kind: 'file', path: 'a.txt' } as const;
const never = new AbortController().signal;
const ssnLine = glue('ssn: 536-22-', '1879\n');

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(Buffer.from(text));
}

async function* chunks(count: number, size: number, last: string): AsyncGenerator<Uint8Array> {
  const line = `${'x'.repeat(99)}\n`;
  for (let n = 0; n < count; n++) yield Buffer.from(line.repeat(size / line.length));
  yield Buffer.from(last);
}

describe('a scan pool', () => {
  test('answers every scan with its own findings', async () => {
    await using pool = await createScanPool({ fingerprintKey, threads: 2 });
    expect(pool.catalogDigest).toBe(catalogDigest);
    const results = await Promise.all(
      Array.from({ length: 400 }, async (_, n) =>
        pool.scan({ kind: 'file', path: `f${n}` }, bytesOf(n % 3 === 0 ? ssnLine : 'nothing'), never),
      ),
    );
    results.forEach(({ findings }, n) => {
      expect(findings.map(({ path }) => path)).toEqual(n % 3 === 0 ? [`f${n}`] : []);
    });
  });

  test('scans a part of a larger buffer and leaves that buffer usable', async () => {
    await using pool = await createScanPool({ fingerprintKey, threads: 1 });
    const large = bytesOf('x'.repeat(50_000) + ssnLine);
    const { bytes, findings } = await pool.scan(file, large.subarray(40_000), never);
    expect([bytes, findings.length, large.length]).toEqual([
      10_000 + ssnLine.length,
      1,
      50_000 + ssnLine.length,
    ]);
  });

  test('scans streams, small as a whole and large in windows', async () => {
    await using pool = await createScanPool({
      fingerprintKey,
      threads: 1,
      limits: { wholeBytes: 500_000, windowBytes: 300_000 },
    });
    for (const count of [1, 40]) {
      const result = await pool.scanStream(
        { kind: 'file', path: 'a.js' },
        chunks(count, 50_000, ssnLine),
        never,
      );
      expect(result.bytes).toBe(count * 50_000 + ssnLine.length);
      expect(result.findings.map(({ byteStart }) => byteStart)).toEqual([count * 50_000 + 5]);
    }
  });

  test('stops when the signal aborts', async () => {
    await using pool = await createScanPool({ fingerprintKey, threads: 1 });
    const abort = new AbortController();
    const scan = pool.scan(file, bytesOf(ssnLine), abort.signal);
    abort.abort();
    await expect(scan).rejects.toMatchObject({ code: 'request/cancelled' });
    await expect(pool.scan(file, bytesOf(ssnLine), abort.signal)).rejects.toMatchObject({
      code: 'request/cancelled',
    });
    expect((await pool.scan(file, bytesOf(ssnLine), never)).findings).toHaveLength(1);
  });

  test('ends a thread that stays silent, fails its tasks and works on', async () => {
    await using pool = await createScanPool({ fingerprintKey, threads: 1, deadlineMs: 400 });
    // Enough text for seconds of honest work.
    const large = bytesOf('password = "plain words of text"; '.repeat(2_000_000));
    const failed = pool.scan(file, large, never);
    await expect(failed).rejects.toBeInstanceOf(GuardError);
    await expect(failed).rejects.toMatchObject({ code: 'scan/failed' });
    expect((await pool.scan(file, bytesOf(ssnLine), never)).findings).toHaveLength(1);
  });

  test('refuses work once it is closed', async () => {
    const pool = await createScanPool({ fingerprintKey, threads: 1 });
    await pool[Symbol.asyncDispose]();
    await expect(pool.scan(file, bytesOf(ssnLine), never)).rejects.toMatchObject({ code: 'scan/failed' });
    await expect(pool.scanStream(file, chunks(1, 100, ''), never)).rejects.toMatchObject({
      code: 'scan/failed',
    });
  });
});

describe('redaction in a pool', () => {
  const options = { path: 'output.log', confidence: 0.6 };

  test('gives as many bytes, with values hidden, whatever the chunks', async () => {
    await using pool = await createScanPool({ fingerprintKey, threads: 1 });
    for (const size of [50_000, 5_000_000]) {
      let shown = '';
      for await (const bytes of pool.redactStream(options, chunks(2, size, ssnLine), never))
        shown += Buffer.from(bytes).toString();
      expect(shown.length).toBe(2 * size + ssnLine.length);
      expect(shown.endsWith('\n')).toBe(true);
      expect(shown).not.toContain(ssnLine.trim());
    }
  });

  test('ends where it is cancelled', async () => {
    await using pool = await createScanPool({ fingerprintKey, threads: 1 });
    const stop = new AbortController();
    const shown = pool.redactStream(options, chunks(100, 1_000_000, ''), stop.signal);
    await shown[Symbol.asyncIterator]().next();
    stop.abort();
    const rest = async (): Promise<void> => {
      for await (const bytes of shown) void bytes;
    };
    await expect(rest()).rejects.toMatchObject({ code: 'request/cancelled' });
  });
});
