// What must hold for every input: the scanner never throws, findings stand inside the file, and neither the way the
// bytes arrive nor the size of the windows changes what is found in formats of lines.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Finding } from '../../scanners/finding.ts';
import { createScanner } from '../../scanners/scan.ts';
import type { ScanTarget } from '../../scanners/target.ts';
import { birth, glue, ssn, mrn } from './values.ts';

const fingerprintKey = new Uint8Array(32);
const scanner = createScanner({ fingerprintKey });
const windowed = createScanner({
  fingerprintKey,
  limits: { wholeBytes: 1_000, windowBytes: 2_048, overlapBytes: 512, maxFindings: 10_000 },
});
const whole = createScanner({ fingerprintKey, limits: { maxFindings: 10_000 } });

const kinds = ['file', 'message', 'names'] as const;
const paths = [
  'a.txt',
  'a.json',
  'a.js',
  'a.py',
  'a.csv',
  'a.sql',
  'a.yml',
  'a.hl7',
  'a.xml',
  'a.ipynb',
  'a.zip',
  'a',
];
const targets = fc.record({ kind: fc.constantFrom(...kinds), path: fc.constantFrom(...paths) });

/** Pieces that lead the scanner into its readers and rules. */
const pieces = fc.constantFrom(
  ...[
    'MSH|^~\\&|A|B\r',
    glue('PI', `D|1||${mrn}^^^H^MR||HARGROVE^ELEANOR||19620314\r`),
    'ISA*00*',
    '~',
    'NM1*IL*1*DOE*JO~',
  ],
  ...[
    'last_name,dob,mrn\n',
    `Hargrove,${birth},${mrn}\n`,
    '"',
    "'",
    '{"birthDate":"',
    '"resourceType":"Patient",',
  ],
  ...[
    'INSERT INTO p (last_name, dob, ssn) VALUES (',
    "'Hargrove',",
    ');',
    'COPY p (dob, ssn, mrn) FROM stdin;\n',
    '\\.\n',
  ],
  ...[
    '<recordTarget>',
    '<given>',
    '</recordTarget>',
    '<td>',
    '<th>dob',
    '-----BEGIN PRIVATE KEY-----',
    'password = "',
  ],
  ...[
    'ssn: ',
    ssn,
    'eyJhbGciOiJIUzI1NiJ9.',
    '://a:b@',
    'patient:\n  dob: ',
    '- ',
    '\n',
    '\0',
    '\ufeff',
    'é',
    '💊',
    ' ',
  ],
  ...[
    '(',
    ')',
    '[',
    ']',
    '{',
    '}',
    ':',
    '=',
    '"""',
    '/*',
    '`',
    '|',
    '\t',
    'PK\u0003\u0004',
    'DOB: ',
    `MRN: ${mrn} `,
  ],
);
const soup = fc
  .array(fc.oneof(pieces, fc.string({ maxLength: 12 })), { maxLength: 60 })
  .map((list) => list.join(''));

function expectInside(findings: readonly Finding[], length: number): void {
  for (const finding of findings) {
    expect(finding.byteStart).toBeGreaterThanOrEqual(0);
    expect(finding.byteEnd).toBeLessThanOrEqual(length);
    expect(finding.byteStart).toBeLessThanOrEqual(finding.byteEnd);
    expect(finding.line).toBeGreaterThanOrEqual(1);
    expect(finding.column).toBeGreaterThanOrEqual(1);
    expect(finding.confidence).toBeGreaterThan(0);
    expect(finding.confidence).toBeLessThanOrEqual(1);
    expect(finding.fingerprint).toMatch(/^[0-9a-f]{32}$/);
  }
}

describe('any input', () => {
  test('random bytes are scanned without an error', async () => {
    await fc.assert(
      fc.asyncProperty(targets, fc.uint8Array({ maxLength: 2_000 }), async (target, bytes) => {
        expectInside((await scanner.scan(target, bytes)).findings, bytes.length);
      }),
      { numRuns: 300 },
    );
  });

  test.each(['utf8', 'utf16le'] as const)(
    'broken formats are scanned without an error, in %s',
    async (encoding) => {
      await fc.assert(
        fc.asyncProperty(targets, soup, async (target, text) => {
          const bytes = Buffer.from(text, encoding);
          expectInside((await scanner.scan(target, bytes)).findings, bytes.length);
        }),
        { numRuns: 600 },
      );
    },
  );

  test('a value is found where it stands, in bytes, lines and columns', async () => {
    const filler = fc
      .array(fc.constantFrom('word', 'é', '💊', '\n', ' ', ','), { maxLength: 40 })
      .map((list) => list.join(''));
    await fc.assert(
      fc.asyncProperty(filler, filler, fc.boolean(), async (before, after, wide) => {
        const text = `\ufeff${before} ssn: ${ssn} ${after}`;
        const bytes = Buffer.from(text, wide ? 'utf16le' : 'utf8');
        const { findings } = await scanner.scan({ kind: 'file', path: 'a.txt' }, bytes);
        const found = findings.find(({ rule }) => rule === 'phi/ssn');
        if (found === undefined) throw new Error('The number was not found.');
        expect(bytes.subarray(found.byteStart, found.byteEnd).toString(wide ? 'utf16le' : 'utf8')).toBe(ssn);
        const line = text.split('\n')[found.line - 1] ?? '';
        expect(line.slice(found.column - 1, found.endColumn - 1)).toBe(ssn);
      }),
      { numRuns: 200 },
    );
  });
});

/** Texts of formats of lines with this many records, each record's values derived from its number. */
const lineFormats: readonly (readonly [ScanTarget, (records: number) => string])[] = [
  [
    { kind: 'file', path: 'a.csv' },
    (n) =>
      `last_name,first_name,dob,mrn\n${rows(n, (i) => `Harg${word(i)},Elea${word(i)},${day(i)},${Number(mrn) + i}\n`)}`,
  ],
  [
    { kind: 'file', path: 'a.hl7' },
    (n) =>
      `MSH|^~\\&|A|B|C|D|2024||ADT^A01|1|P|2.5\n${rows(n, (i) => `${glue('PI', 'D')}|${i}||${Number(mrn) + i}^^^H^MR||HARG${word(i)}^ELEA||${day(i).replaceAll('-', '')}\n`)}`,
  ],
  [
    { kind: 'file', path: 'a.x12' },
    (n) =>
      `${isa()}\n${rows(n, (i) => `NM1*IL*1*HARG${word(i)}*ELEA****MI*XQH${329_113_947 + i}~\nDMG*D8*${day(i).replaceAll('-', '')}*F~\n`)}`,
  ],
  [
    { kind: 'file', path: 'a.sql' },
    (n) =>
      `INSERT INTO patients (last_name, dob, mrn) VALUES\n${rows(n, (i) => `('Harg${word(i)}', '${day(i)}', '${Number(mrn) + i}'),\n`)}('Last', '1970-02-03', '48290001');\n`,
  ],
  [
    { kind: 'file', path: 'a.sql' },
    (n) =>
      `COPY patients (last_name, dob, mrn) FROM stdin;\n${rows(n, (i) => `Harg${word(i)}\t${day(i)}\t${Number(mrn) + i}\n`)}\\.\n`,
  ],
  [
    { kind: 'file', path: 'a.ndjson' },
    (n) =>
      rows(
        n,
        (i) =>
          `${JSON.stringify({ last_name: `Harg${word(i)}`, dob: day(i), mrn: String(Number(mrn) + i) })}\n`,
      ),
  ],
  [
    { kind: 'file', path: 'a.log' },
    (n) => rows(n, (i) => `${i} request of ssn ${glue('536-2', `${i % 10}`, '-', String(1_000 + i))}\n`),
  ],
];

function rows(count: number, row: (index: number) => string): string {
  return Array.from({ length: count }, (_, index) => row(index)).join('');
}
const word = (index: number) => String.fromCharCode(97 + (index % 26), 97 + (Math.floor(index / 26) % 26));
const day = (index: number) => `19${50 + (index % 50)}-0${1 + (index % 9)}-1${index % 10}`;
const isa = () =>
  'ISA*00*          *00*          *ZZ*SENDER         *ZZ*RECEIVER       *240312*1015*^*00501*000000001*0*P*:~';

describe('windows', () => {
  test.each(lineFormats)('find in $path what a whole scan finds', async (target, make) => {
    for (const count of [40, 157, 500]) {
      const bytes = Buffer.from(make(count));
      const expected = await whole.scan(target, bytes);
      expect(expected.findings.length).toBeGreaterThan(count * 0.5);
      const found = await windowed.scan(target, bytes);
      expect(found).toEqual(expected);
    }
  });

  test('go on inside one long line of JSON', async () => {
    const patient = (index: number) => ({
      resource: { resourceType: 'Patient', name: [{ family: `Harg${word(index)}` }], birthDate: day(index) },
    });
    const entry = Array.from({ length: 300 }, (_, index) => patient(index));
    const bytes = Buffer.from(JSON.stringify({ resourceType: 'Bundle', entry }));
    const target = { kind: 'file', path: 'bundle.json' } as const;
    const { findings } = await windowed.scan(target, bytes);
    expect(findings.filter(({ rule }) => rule === 'phi/birth-date')).toHaveLength(300);
    expect(findings.length).toBe((await whole.scan(target, bytes)).findings.length);
  });

  test('do not depend on how the bytes arrive', async () => {
    const formats = fc.constantFrom(...lineFormats);
    const cuts = fc.array(fc.integer({ min: 1, max: 3_000 }), { minLength: 1, maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(formats, cuts, async ([target, make], sizes) => {
        const bytes = Buffer.from(make(60));
        const writer = windowed.open(target);
        for (let at = 0, turn = 0; at < bytes.length; turn++) {
          const size = sizes[turn % sizes.length] ?? 1;
          await writer.write(bytes.subarray(at, at + size));
          at += size;
        }
        expect(await writer.end()).toEqual(await windowed.scan(target, bytes));
      }),
      { numRuns: 60 },
    );
  });
});
