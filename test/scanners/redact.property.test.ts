// Redaction for any text: however a stream is split the same comes out, a second redaction changes nothing, lines and
// lengths stay, and no value of the formats that the scanner knows is left, alone or in the middle of a log.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createRedactor, type RedactOptions, redactStream } from '../../scanners/redact.ts';
import { createScanner } from '../../scanners/scan.ts';
import { cutSegment, segmentBytes } from '../../scanners/redact/segments.ts';
import { makePerson } from '../support/person.ts';
import { phiFormats, phiSample } from '../support/phi.ts';
import { secretKinds, secretSample } from '../support/secrets.ts';
import { birth, glue, mrn, pem, scrambled, alphanumeric, ssn } from './values.ts';

async function redact(
  chunks: readonly Uint8Array[],
  options: RedactOptions = {},
): Promise<{ readonly bytes: Buffer; readonly counts: ReadonlyMap<string, number> }> {
  const redactor = createRedactor(options);
  const source = (async function* () {
    yield* chunks;
  })();
  const out: Uint8Array[] = [];
  for await (const chunk of redactStream(source, redactor)) out.push(chunk);
  return { bytes: Buffer.concat(out), counts: redactor.counts };
}

const redactText = async (text: string, options?: RedactOptions) =>
  (await redact([Buffer.from(text)], options)).bytes.toString('utf8');

function log(lines: number): string {
  const line = (at: number) => `2026-11-21T10:00:0${at % 10}Z INFO worker ${at} finished step ${at * 7}\n`;
  return Array.from({ length: lines }, (_, at) => line(at)).join('');
}

function split(bytes: Buffer, cuts: readonly number[]): readonly Buffer[] {
  const ends = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].toSorted((a, b) => a - b);
  return [...ends, bytes.length].map((end, at) => bytes.subarray(ends[at - 1] ?? 0, end));
}

const pieces = [
  ...phiFormats.map((format) => phiSample(format).text),
  ...secretKinds.map((kind) => secretSample(kind).text),
  `patient ssn: ${ssn}, born ${birth}, MRN: ${mrn}\n`,
  `name,dob,ssn\nJane Roe,${birth},${ssn}\n`,
  glue('password=', scrambled(20, alphanumeric), '\n'),
  pem('RSA PRIVATE KEY', scrambled(1_600, alphanumeric)),
  log(20),
  '\r\n\r\n',
  '{"a":[1,2,{"b":"** *"}]},',
  'ü\u2028€ \u0000',
];
const anyText = fc
  .array(fc.oneof(fc.constantFrom(...pieces), fc.string({ unit: 'binary', maxLength: 40 })), {
    maxLength: 12,
  })
  .map((parts) => Buffer.from(parts.join('')));

describe('for any text', () => {
  test('the split stream comes out like the whole, and a second time nothing changes', async () => {
    await fc.assert(
      fc.asyncProperty(anyText, fc.array(fc.nat(), { maxLength: 8 }), async (bytes, cuts) => {
        const whole = (await redact([bytes])).bytes;
        expect((await redact(split(bytes, cuts))).bytes.equals(whole)).toBe(true);
        expect((await redact([whole])).bytes.equals(whole)).toBe(true);
        expect(whole.length).toBe(bytes.length);
        for (const [at, byte] of whole.entries()) if (byte !== bytes[at]) expect(byte).toBe(0x2a);
        for (const end of [10, 13, 32])
          expect(whole.filter((byte) => byte === end)).toHaveLength(
            bytes.filter((byte) => byte === end).length,
          );
      }),
      { numRuns: 60 },
    );
  });

  test('bytes that are no text are split like any other', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), fc.array(fc.nat()), async (noise, cuts) => {
        const bytes = Buffer.from(noise);
        expect((await redact(split(bytes, cuts))).bytes.equals((await redact([bytes])).bytes)).toBe(true);
      }),
      { numRuns: 40 },
    );
  });

  test('of several segments', async () => {
    const records = phiFormats.map((format) => phiSample(format).text).join('\n');
    const parts = Array.from({ length: 8 }, (_, at) => log(4_000 + at * 531) + records);
    const bytes = Buffer.from(parts.join(''));
    expect(bytes.length).toBeGreaterThan(3 * segmentBytes);
    const whole = (await redact([bytes])).bytes;
    const odd = Array.from({ length: Math.ceil(bytes.length / 70_001) }, (_, at) => at * 70_001);
    expect((await redact(split(bytes, odd))).bytes.equals(whole)).toBe(true);
    expect((await redact([whole])).bytes.equals(whole)).toBe(true);
    for (const text of ['ISA*', 'INFO worker']) expect(whole.includes(text)).toBe(true);
  });
});

/** Long texts whose cuts fall among values: one line of records, values without a space, keys, brackets at line starts. */
const hardCuts: Readonly<Record<string, (at: number) => string>> = {
  'records on one line': (at) => {
    const { given, family, ssn: number, mrn: record } = makePerson(at);
    return `{"first_name":"${given}","last_name":"${family}","ssn":"${number}","mrn":"${record}"},`;
  },
  'values without a space': (at) => `ssn:${makePerson(at).ssn};token=${scrambled(60, alphanumeric, at + 1)}#`,
  'tags on one line': (at) =>
    `<patient><lastName>${makePerson(at).family}</lastName><ssn>${makePerson(at).ssn}</ssn></patient>`,
  'keys behind one another': (at) => pem('RSA PRIVATE KEY', scrambled(1_600 + at, alphanumeric, at + 1)),
  'keys on one line': (at) =>
    pem('RSA PRIVATE KEY', scrambled(1_600 + at, alphanumeric, at + 1)).replaceAll('\n', '\\n'),
  'letters of several bytes': (at) => `ß€é;ssn:${makePerson(at).ssn};ü€`,
  'brackets at line starts': (at) =>
    `{\n  "ssn": "${makePerson(at).ssn}",\n  "password": "\n}${scrambled(30, alphanumeric, at + 1)}"\n}\n`,
};

describe('where long lines are cut', () => {
  test.each(Object.entries(hardCuts))('a second time nothing changes: %s', async (_name, unit) => {
    const units = Array.from({ length: 97 }, (_, at) => unit(at));
    let text = '';
    for (let at = 0; text.length < 2.2 * segmentBytes; at++) text += units[(at * 31) % 97];
    for (const lead of [0, 3]) {
      const bytes = Buffer.from('x'.repeat(lead) + text);
      const whole = (await redact([bytes])).bytes;
      expect(whole.equals(bytes)).toBe(false);
      expect((await redact([whole])).bytes.equals(whole)).toBe(true);
      expect((await redact(split(bytes, [70_001, 524_288, 600_001]))).bytes.equals(whole)).toBe(true);
    }
  });

  test('in UTF-16 no unit is cut', async () => {
    const line = (at: number) => `ssn: ${makePerson(at).ssn} ü\n`;
    const text = Array.from({ length: 30_000 }, (_, at) => line(at % 97)).join('');
    const { bytes } = await redact([Buffer.from(`\ufeff${text}`, 'utf16le')]);
    expect(bytes.length).toBeGreaterThan(2 * segmentBytes);
    expect(bytes.toString('utf16le')).toBe(`\ufeff${text.replaceAll(/\d/g, '*').replaceAll('-', '*')}`);
  });
});

const someone = makePerson(6);
const scanner = createScanner({ fingerprintKey: new Uint8Array(32) });

/** Name, path and text of every format: the samples of all, and those that have no sample. */
const redactedFormats: readonly (readonly [string, string, string])[] = [
  ...phiFormats.map((format) => [format, phiSample(format, 6).path, phiSample(format, 6).text] as const),
  [
    'FHIR XML',
    'patient.xml',
    `<Patient xmlns="http://hl7.org/fhir"><identifier><value value="${someone.mrn}"/></identifier>` +
      `<name><family value="${someone.family}"/><given value="${someone.given}"/></name>` +
      `<telecom><system value="phone"/><value value="${someone.phone}"/></telecom>` +
      `<birthDate value="${someone.born}"/><address><line value="${someone.street}"/>` +
      `<city value="${someone.city}"/><postalCode value="${someone.zip}"/></address></Patient>`,
  ],
  [
    'C-CDA',
    'summary.xml',
    `<ClinicalDocument xmlns="urn:hl7-org:v3"><recordTarget><patientRole><id extension="${someone.mrn}" root="1.2.3"/>` +
      `<addr><streetAddressLine>${someone.street}</streetAddressLine><city>${someone.city}</city>` +
      `<postalCode>${someone.zip}</postalCode></addr><telecom value="tel:${someone.phone}"/><patient>` +
      `<name><given>${someone.given}</given><family>${someone.family}</family></name>` +
      `<birthTime value="${someone.born.replaceAll('-', '')}"/></patient></patientRole></recordTarget></ClinicalDocument>`,
  ],
  [
    'YAML',
    'fixtures/patient.yaml',
    `patient:\n  first_name: ${someone.given}\n  last_name: ${someone.family}\n  date_of_birth: ${someone.born}\n` +
      `  ssn: ${someone.ssn}\n  mrn: "${someone.mrn}"\n  phone: "${someone.phone}"\n  street: ${someone.street}\n`,
  ],
];

describe('no value is left', () => {
  test.each(phiFormats)('of %s, alone and in a log', async (format) => {
    const { path, text, values } = phiSample(format, 3);
    const alone = await redactText(text, { path });
    const inLog = await redactText(log(200) + text + log(50));
    const planted = values.map((value) => value.text).filter((value) => text.split(value).length === 2);
    for (const out of [alone, inLog])
      expect(planted.filter((value) => out.includes(value)).map((value) => value.length)).toEqual([]);
    expect(inLog.startsWith(log(200))).toBe(true);
    expect(inLog.endsWith(log(50))).toBe(true);
  });

  test.each(redactedFormats)('of %s, and nothing is found in what is', async (_name, path, text) => {
    const { bytes } = await redact([Buffer.from(text)], { path });
    const { findings } = await scanner.scan({ kind: 'file', path }, bytes);
    const left = findings.filter(({ confidence, severity }) => confidence >= 0.6 && severity !== 'low');
    expect(left.map(({ rule, line }) => `${rule} in line ${line}`)).toEqual([]);
    const before = await scanner.scan({ kind: 'file', path }, Buffer.from(text));
    expect(before.findings.length).toBeGreaterThan(3);
  });

  test.each(secretKinds)('of %s', async (kind) => {
    const { value, text, path } = secretSample(kind);
    expect((await redactText(text, { path })).includes(value)).toBe(false);
    expect((await redactText(log(30) + text)).includes(value)).toBe(false);
  });

  test('of a table of many segments', async () => {
    const people = Array.from({ length: 40 }, (_, at) => makePerson(at + 1));
    const rows = Array.from({ length: 30_000 }, (_, at) => {
      const { family, given, born, ssn: number, mrn: record } = people[at % people.length] ?? makePerson(1);
      return `${given},${family},${born},${number},${record}\n`;
    });
    const out = await redactText(`first_name,last_name,dob,ssn,mrn\n${rows.join('')}`, { path: 'p.csv' });
    expect(out.length).toBeGreaterThan(2 * segmentBytes);
    const left = people.filter(({ family, born, ssn: number }) =>
      [family, born, number].some((value) => out.includes(`,${value},`)),
    );
    expect(left.length).toBe(0);
  });

  test('of tables that stand below lines that read like their headers', async () => {
    const headerLike = 'saved Patient(firstName=a, lastName=b, dateOfBirth=c, phone=d)\n';
    const people = Array.from({ length: 12 }, (_, at) => makePerson(at + 1));
    const table = (first: number): string =>
      `first_name,last_name,dob,mrn\n${people
        .slice(first, first + 4)
        .map(({ given, family, born, mrn: record }) => `${given},${family},${born},${record}\n`)
        .join('')}`;
    const text = [0, 4, 8].map((first) => log(30) + headerLike + log(30) + table(first)).join('');
    for (const path of ['output.log', 'output.ts', 'output.json', 'test/output.log']) {
      const out = await redactText(text + log(30), { path });
      const left = people.filter(({ family, born }) => out.includes(`,${family},`) || out.includes(born));
      expect(left, path).toHaveLength(0);
    }
  });

  test('in UTF-16', async () => {
    for (const mark of ['\ufeff', '']) {
      const text = `${mark}patient ssn: ${ssn}\nnext line\n`;
      const { bytes } = await redact([Buffer.from(text, 'utf16le')]);
      expect(bytes.toString('utf16le')).toBe(text.replace(ssn, '***********'));
    }
  });
});

test('tells what it hid, and leaves what is known to be synthetic', async () => {
  const { counts, bytes } = await redact([Buffer.from(`ssn: ${ssn}\nssn: ${glue('078-05-', '1120')}\n`)]);
  expect([...counts]).toEqual([['phi/ssn', 1]]);
  expect(bytes.toString()).toContain(glue('078-05-', '1120'));
});

test('passes whole lines on when asked, and holds the rest', async () => {
  const redactor = createRedactor();
  expect(await redactor.write(Buffer.from(`a\nssn: ${ssn}\nhalf `))).toEqual([]);
  expect(Buffer.concat(await redactor.flush()).toString()).toBe('a\nssn: ***********\n');
  expect(await redactor.flush()).toEqual([]);
  expect(Buffer.concat(await redactor.end()).toString()).toBe('half ');
});

test('segments are cut where records end, keys are not cut', () => {
  const long = Buffer.alloc(segmentBytes, 'x');
  expect(cutSegment(long, 'utf-8')).toBe(segmentBytes);
  const lines = Buffer.alloc(segmentBytes, 'line one\n  line two\n');
  expect(lines.subarray(0, cutSegment(lines, 'utf-8')).toString('latin1').endsWith('two\n')).toBe(true);
  const key = Buffer.from(pem('PRIVATE KEY', scrambled(1_600, alphanumeric)).slice(0, 900));
  const open = Buffer.concat([lines.subarray(0, segmentBytes - key.length), key]);
  expect(open.subarray(0, cutSegment(open, 'utf-8')).includes('BEGIN')).toBe(false);
});
