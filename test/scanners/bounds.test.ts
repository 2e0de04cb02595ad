// What a hostile or merely large object may cost: work that ends once enough is found, archives that are refused by
// name, noise and endless lines that are read in flat memory.
import { Tiktoken } from 'js-tiktoken/lite';
import ranks from 'js-tiktoken/ranks/cl100k_base';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { createScanner } from '../../scanners/scan.ts';
import { BytePairs } from '../../scanners/secrets/byte-pairs.ts';
import { crc16, hasChecksum } from '../../scanners/secrets/nats-seed.ts';
import { tarOf, zipOf } from '../support/archives.ts';
import { createRandom } from '../support/random.ts';
import { alphanumeric, glue, natsSeed, scrambled, ssn } from './values.ts';

const scanner = createScanner({ fingerprintKey: new Uint8Array(32) });
const file = (path: string) => ({ kind: 'file', path }) as const;
const megabyte = 1_048_576;

async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  return process.cpuUsage(before).user / 1_000_000;
}

describe('a file full of findings', () => {
  const day = (at: number) => `19${50 + (at % 50)}-0${1 + (at % 9)}-1${at % 10}`;
  const number = (at: number) => glue('536-2', `${at % 10}`, '-', String(1_000 + (at % 9_000)));
  test.each([
    ['a.csv', 'last_name,dob,ssn\n', (at: number) => `Hargrove,${day(at)},${number(at)}\n`],
    [
      'a.sql',
      'INSERT INTO p (last_name, dob, ssn) VALUES\n',
      (at: number) => `('Hargrove','${day(at)}','${number(at)}'),\n`,
    ],
    [
      'a.yml',
      'patients:\n',
      (at: number) => `  - last_name: Hargrove\n    dob: ${day(at)}\n    ssn: ${number(at)}\n`,
    ],
    ['a.env', '', (at: number) => `DB_PASSWORD_${at}=${scrambled(24, alphanumeric, at)}\n`],
  ])('%s costs no more than any other', async (path, head, row) => {
    const rows = Array.from({ length: 2_000 }, (_, at) => row(at)).join('');
    const bytes = Buffer.from(head + rows.repeat(Math.ceil((4 * megabyte) / rows.length)));
    const seconds = await secondsOf(async () => {
      const { findings } = await scanner.scan(file(path), bytes);
      expect(findings).toHaveLength(1_001);
      expect(findings.at(-1)?.rule).toBe('policy/too-many-findings');
    });
    expect(seconds).toBeLessThan(12);
  });
});

describe('bad input', () => {
  test('noise gives no error and no record', async () => {
    const bytes = createRandom(5).bytes(2 * megabyte);
    const { findings } = await scanner.scan(file('a.bin'), bytes);
    expect(findings.filter(({ confidence }) => confidence >= 0.85)).toEqual([]);
  });

  test('invalid UTF-8 hides nothing', async () => {
    const bytes = Buffer.concat([
      Buffer.from([0xff, 0xc3, 0x28, 0xed, 0xa0, 0x80]),
      Buffer.from(`\nssn: ${ssn}\n`),
    ]);
    expect((await scanner.scan(file('a.txt'), bytes)).findings.map(({ rule }) => rule)).toEqual(['phi/ssn']);
  });

  test('100 MB without a line end are read in flat memory', async () => {
    const writer = scanner.open(file('a.txt'));
    const chunk = Buffer.alloc(megabyte, 'x ');
    const before = process.memoryUsage().rss;
    for (let n = 0; n < 100; n++) await writer.write(chunk);
    await writer.write(Buffer.from(` ssn: ${ssn}`));
    const { bytes, findings } = await writer.end();
    expect(findings.map(({ byteEnd }) => byteEnd)).toEqual([bytes]);
    expect(process.memoryUsage().rss - before).toBeLessThan(200 * megabyte);
  }, 60_000);
});

describe('archives', () => {
  const secret = Buffer.from(`ssn: ${ssn}\n`);
  test('are read three deep, and what lies deeper is named', async () => {
    const three = zipOf({ 'b.tar.gz': gzipSync(await tarOf({ 'c.txt': secret })) });
    const found = await scanner.scan(file('a.zip'), three);
    const inner = found.findings.find(({ path }) => path === 'a.zip!b.tar.gz!b.tar!c.txt');
    expect(inner).toMatchObject({ rule: 'phi/ssn', byteStart: 0, byteEnd: three.length, line: 1 });
    const deeper = await scanner.scan(file('x.gz'), gzipSync(gzipSync(gzipSync(gzipSync(secret)))));
    expect(deeper.findings.map(({ rule }) => rule)).toEqual(['policy/unscannable']);
  });

  test.each([
    ['gzip', (bytes: Uint8Array) => gzipSync(bytes)],
    ['zstd', (bytes: Uint8Array) => zstdCompressSync(bytes)],
    ['zip', (bytes: Uint8Array) => zipOf({ 'a.txt': bytes })],
  ])('a %s bomb is refused by name before it unpacks', async (_, pack) => {
    const bomb = pack(new Uint8Array(64 * megabyte));
    const before = process.memoryUsage().rss;
    const { findings } = await scanner.scan(file('bomb'), bomb);
    expect(findings.map(({ rule }) => rule)).toContain('policy/unscannable');
    expect(process.memoryUsage().rss - before).toBeLessThan(200 * megabyte);
  });

  test.each(['7z\xbc\xaf\x27\x1c', 'Rar!\x1a\x07', '\xfd7zXZ\0', 'BZh91AY&SY'])(
    '%j is named',
    async (magic) => {
      const bytes = Buffer.concat([Buffer.from(magic, 'latin1'), Buffer.alloc(64, 1)]);
      const { findings } = await scanner.scan(file('a'), bytes);
      expect(findings.map(({ rule }) => rule)).toEqual(['policy/unscannable']);
    },
  );

  test('damaged at any byte never throws', async () => {
    const archives = [zipOf({ 'a.txt': secret }), gzipSync(secret), await tarOf({ 'a.txt': secret })];
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...archives),
        fc.nat(),
        fc.nat(255),
        fc.boolean(),
        async (whole, at, byte, cut) => {
          const bytes = Uint8Array.from(cut ? whole.subarray(0, at % whole.length) : whole);
          if (!cut) bytes[at % bytes.length] = byte;
          await scanner.scan(file('a'), bytes);
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('what proves a credential', () => {
  test('tokens are counted as the vocabulary counts them', () => {
    const theirs = new Tiktoken(ranks);
    const ours = new BytePairs(ranks.bpe_ranks);
    fc.assert(
      fc.property(fc.string({ unit: 'binary-ascii', maxLength: 64 }), (text) => {
        const printable = text.replaceAll(/[^\x21-\x7e]/g, 'a');
        expect(ours.count(printable)).toBe(theirs.encode(printable, [], []).length);
      }),
      { numRuns: 500 },
    );
  });

  test('a seed that was changed has a wrong checksum', () => {
    // The check value of CRC-16/XMODEM.
    expect(crc16(Buffer.from('123456789'))).toBe(0x31c3);
    const seed = natsSeed();
    expect(hasChecksum(seed)).toBe(true);
    expect(hasChecksum(`${seed.slice(0, 20)}${seed[20] === 'B' ? 'C' : 'B'}${seed.slice(21)}`)).toBe(false);
  });
});
