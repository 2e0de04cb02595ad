// Formats as people commit them: the identifiers must be found where the format keeps them, look-alikes must not.
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { createScanner } from '../../scanners/scan.ts';
import type { ScanTarget } from '../../scanners/target.ts';
import { phiFormats, phiMessage, phiPath, phiSample } from '../support/phi.ts';
import { secretKinds, secretSample } from '../support/secrets.ts';
import { birth, glue, ssn, mrn } from './values.ts';

const scanner = createScanner({ fingerprintKey: new Uint8Array(32) });

async function scanText(path: string, text: string | Uint8Array, kind: ScanTarget['kind'] = 'file') {
  const bytes = typeof text === 'string' ? Buffer.from(text) : text;
  return (await scanner.scan({ kind, path }, bytes)).findings;
}

async function blocking(path: string, text: string, kind: ScanTarget['kind'] = 'file') {
  const found = await scanText(path, text, kind);
  return found.filter(({ confidence, severity }) => confidence >= 0.85 && severity !== 'low');
}

describe('a patient record is refused', () => {
  test.each(phiFormats)('as %s', async (format) => {
    for (let seed = 1; seed <= 5; seed++) {
      const { path, text } = phiSample(format, seed);
      expect(await blocking(path, text)).not.toEqual([]);
    }
  });

  test('in a message and in a file name', async () => {
    const { path, text } = phiMessage(3);
    expect(await blocking(path, text, 'message')).not.toEqual([]);
    expect((await blocking('names', phiPath(3).path, 'names')).map(({ rule }) => rule)).toContain('phi/ssn');
    expect((await blocking('names', `exports/MRN_${mrn}.pdf`, 'names')).map(({ rule }) => rule)).toEqual([
      'phi/mrn',
    ]);
  });
});

describe('a credential is refused', () => {
  test.each(secretKinds)('as %s', async (kind) => {
    for (let seed = 1; seed <= 5; seed++) {
      const { path, text, value } = secretSample(kind, seed);
      const found = await blocking(path, text);
      expect(found.map(({ category }) => category)).toContain('secret');
      expect(JSON.stringify(found)).not.toContain(value);
    }
  });
});

const message = [
  'MSH|^~\\&|A|B|C|D|2024||ADT^A01|1|P|2.5',
  glue('PI', `D|1||${mrn}^^^H^MR||HARGROVE^ELEANOR||19620314|F`),
];

describe('HL7 v2', () => {
  test.each([
    ['CR', 'm.hl7', message.join('\r')],
    ['LF', 'm.hl7', message.join('\n')],
    ['CRLF with a byte order mark', 'm.hl7', `\ufeff${message.join('\r\n')}`],
    ['MLLP', 'm.bin', `\x0b${message.join('\r')}\x1c\r`],
    ['a string literal', 'm.js', `const m = "${message.join('\\r')}";`],
    ['joined literals', 'm.py', `M = (\n  "${message[0]}\\r"\n  "${message[1]}\\r"\n)`],
    ['a template', 'M.java', `String m = "${message[0]}\\r\\n" +\n  "${message[1]}\\r\\n";`],
    [
      'other delimiters',
      'm.hl7',
      message.join('\r').replaceAll('|', '#').replaceAll('^', '@').replace('@~\\&', '@~\\&'),
    ],
  ])('with %s', async (_name, path, text) => {
    const rules = (await blocking(path, text)).map(({ rule }) => rule);
    expect(rules).toEqual(expect.arrayContaining(['phi/mrn', 'phi/name', 'phi/birth-date']));
  });
});

test('HL7 v2: a fragment without its header, counties, employers, and values again in observations', async () => {
  const relatives = [
    glue(
      'GT',
      '1|1||HARGROVE^ELEANOR||12 Juniper Ln^^Macon^GA^31201^US^^^Bibb|||||||||||Quillback Mills|9 Mill Rd^^Macon|4785550149',
    ),
    'OBX|1|TX|note||Spoke with Eleanor about the fall||||||F',
    'OBX|2|ST|color||eleanor blue||||||F',
  ];
  const text = [...message.slice(1), ...relatives].join('\r');
  const found = await scanText('fragment.txt', text);
  const values = found.map(({ byteStart, byteEnd }) => text.slice(byteStart, byteEnd));
  expect(values).toEqual(
    expect.arrayContaining([mrn, 'HARGROVE^ELEANOR', 'Bibb', 'Quillback Mills', '9 Mill Rd', '4785550149']),
  );
  expect(values).not.toContain('eleanor');
});

test('DICOM attributes of the patient are found, and only those', async () => {
  const element = (group: number, number: number, vr: string, value: string) => {
    const text = value.length % 2 === 0 ? value : `${value} `;
    const head = Buffer.alloc(8);
    head.writeUInt16LE(group, 0);
    head.writeUInt16LE(number, 2);
    head.write(vr, 4, 'latin1');
    head.writeUInt16LE(text.length, 6);
    return Buffer.concat([head, Buffer.from(text, 'latin1')]);
  };
  const bytes = Buffer.concat([
    Buffer.alloc(128),
    Buffer.from('DICM'),
    element(0x0002, 0x0010, 'UI', '1.2.840.10008.1.2.1\0'),
    element(0x0008, 0x0060, 'CS', 'MR'),
    element(0x0010, 0x0010, 'PN', 'HARGROVE^ELEANOR'),
    element(0x0010, 0x0020, 'LO', mrn),
    element(0x0010, 0x0030, 'DA', birth.replaceAll('-', '')),
    element(0x0010, 0x0040, 'CS', 'F'),
  ]);
  const found = await scanText('scan.dcm', bytes);
  expect(found.map(({ rule }) => rule)).toEqual(['phi/name', 'phi/mrn', 'phi/birth-date']);
  const [name] = found;
  expect(bytes.toString('latin1', name?.byteStart, name?.byteEnd)).toBe('HARGROVE^ELEANOR');
  for (let cut = 128; cut < bytes.length; cut++) await scanText('scan.dcm', bytes.subarray(0, cut));
});

describe('records in programs', () => {
  test.each([
    ['a.ts', `const p = { firstName: 'Eleanor', lastName: 'Hargrove', dob: '${birth}' };`],
    ['a.py', `Patient(first_name="Eleanor", last_name="Hargrove", birth_date="${birth}")`],
    [
      'A.java',
      `new Patient().setFirstName("Eleanor").setLastName("Hargrove").setMrn("${mrn}").setBirthDate("${birth}");`,
    ],
    ['a.go', `p := Patient{FirstName: "Eleanor", LastName: "Hargrove", BirthDate: "${birth}"}`],
    ['a.rb', `patient = { first_name: 'Eleanor', last_name: 'Hargrove', dob: '${birth}' }`],
    ['a.yml', `patient:\n  name:\n    first: Eleanor\n    last: Hargrove\n  birthDate: ${birth}\n`],
    ['a.json', JSON.stringify({ patient: { name: { first: 'Eleanor', last: 'Hargrove' }, dob: birth } })],
    ['a.md', `| last_name | dob | mrn |\n|---|---|---|\n| Hargrove | ${birth} | ${mrn} |\n`],
  ])('%s', async (path, text) => {
    expect((await blocking(path, text)).map(({ rule }) => rule)).toContain('phi/name');
  });

  test.each([
    ['a.ts', 'const form = { firstName: "Vorname", lastName: "Nachname", birthDate: "Geburtsdatum" };'],
    [
      'package.json',
      JSON.stringify({ name: 'x', author: { name: 'Eleanor Hargrove', email: glue('e', '@', 'acme.net') } }),
    ],
    ['a.ts', `sendMail('${glue('support', '@', 'acme.net')}', '2024-01-02', '10.2.3.4', '(415) 867-5309');`],
    [
      'a.sql',
      'CREATE TABLE patients (first_name varchar(60), last_name varchar(60), dob date, ssn char(11));',
    ],
    ['a.csv', 'city,state,zip\nYakima,WA,90900\n'],
    [
      'a.ts',
      'const password = process.env.DB_PASSWORD; const token = getUserToken(); const key = "api-key-header";',
    ],
  ])('an ordinary %s passes', async (path, text) => {
    expect(await blocking(path, text)).toEqual([]);
  });
});

describe('known synthetic values', () => {
  test.each([
    ['SSN of the SSA', 'ssn: 078-05-1120'],
    ['Synthea', glue('ssn: 999-', '41-1879')],
    ['test card', 'card 4111 1111 1111 1111'],
  ])('are told with a reason: %s', async (_name, text) => {
    const [found] = await scanText('a.txt', text);
    expect(found?.severity).toBe('low');
    expect(found?.message).toMatch(/Known synthetic: .+\.$/);
  });

  test('do not excuse the value beside them', async () => {
    const found = await blocking('a.json', JSON.stringify({ name: 'John Doe', ssn, dob: birth }));
    expect(found.map(({ rule }) => rule)).toEqual(['phi/ssn']);
  });
});

describe('archives', () => {
  test('are read, and findings name the entry', async () => {
    const found = await scanText('out/data.txt.gz', gzipSync(`ssn: ${ssn}`));
    expect(found.map(({ rule, path }) => [rule, path])).toEqual([['phi/ssn', 'out/data.txt.gz!data.txt']]);
  });

  test('that are nested too deep or unpack to too much are told', async () => {
    const deep = [1, 2, 3, 4].reduce((inner: Uint8Array) => gzipSync(inner), Buffer.from('x'));
    expect((await scanText('a.gz', deep)).map(({ rule }) => rule)).toEqual(['policy/unscannable']);
    const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024));
    expect((await scanText('b.gz', bomb)).map(({ rule }) => rule)).toEqual(['policy/unscannable']);
  });
});

test('a finding never shows its value', async () => {
  const text = JSON.stringify({ last_name: 'Hargrove', ssn, dob: birth, mrn });
  const shown = JSON.stringify(await scanText('patients.json', text));
  for (const value of ['Hargrove', ssn, birth, mrn]) expect(shown).not.toContain(value);
});
