// Work must grow with the input and no faster, whatever the input: the gate's output is counted, and the rules are fed
// the repeats that make careless patterns explode. The ceiling is a hundred times what an ordinary run takes.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { findAgain } from '../../scanners/find-again.ts';
import { buildGate, findCandidates, LONG_LINE } from '../../scanners/gate.ts';
import { createScanner } from '../../scanners/scan.ts';
import { glue } from './values.ts';

describe('the gate', () => {
  const gate = buildGate([['ssn'], ['000-00-0000'], ['patient']]);

  test.each(['ssn', '123-45-6789', 'patient ', 'ssn\n', 'a'.repeat(LONG_LINE + 1) + 'ssn\n'])(
    'hands on at most the input and its overlaps: %j',
    (unit) => {
      const bytes = Buffer.from(unit.repeat(Math.ceil(400_000 / unit.length)));
      const { triples } = findCandidates(gate, bytes, false, 0);
      let handed = 0;
      for (let at = 0; at < triples.length; at += 3) handed += (triples[at + 1] ?? 0) - (triples[at] ?? 0);
      expect(handed).toBeLessThanOrEqual(bytes.length * 1.2 + 512);
    },
  );

  test('finds every literal, whatever its case and digits', () => {
    const seen = (text: string) => findCandidates(gate, Buffer.from(text), false, 0).mask;
    expect(seen('the SSN of')).toBe(1);
    expect(seen('x 987-65-4321 y')).toBe(2);
    expect(seen('pssn patientssn')).toBe(5);
    expect(seen('s\nsn')).toBe(0);
  });
});

describe('the gate, told by hand', () => {
  const literals = [['ssn', 'assn'], ['00-0'], ['patient', 'ent'], ['nt\t']];
  const gate = buildGate(literals);

  /** Rules of which a literal stands in the text. */
  function maskOf(text: string): number {
    const folded = text.toLowerCase().replaceAll(/\d/g, '0');
    return literals.reduce(
      (mask, group, rule) => (group.some((each) => folded.includes(each)) ? mask | (1 << rule) : mask),
      0,
    );
  }

  function byHand(text: string, quiet: number): ReturnType<typeof findCandidates> {
    const [triples, quietLines]: [number[], number[]] = [[], []];
    for (const { index: start, 0: line } of text.matchAll(/[^\r\n]+/g)) {
      const mask = maskOf(line);
      if ((mask & quiet) !== 0) quietLines.push(start, start + line.length, mask & quiet);
      if ((mask & ~quiet) === 0) continue;
      if (line.length <= LONG_LINE) triples.push(start, start + line.length, mask & ~quiet);
      else
        for (let at = 0; ; at += 4_096 - 512) {
          const seen = maskOf(line.slice(at, at + 4_096)) & ~quiet;
          if (seen !== 0) triples.push(start + at, start + Math.min(line.length, at + 4_096), seen);
          if (at + 4_096 >= line.length) break;
        }
    }
    return { triples, quietLines, mask: maskOf(text) };
  }

  const piece = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.constantFrom('ssn', 'as', '12-3', '4', '-', 'Patient', 'pat', 'ent', 'nt\t', ' '),
    },
    { weight: 2, arbitrary: fc.constantFrom('\n', '\r\n') },
    { weight: 2, arbitrary: fc.nat(6_000).map((length) => 'z'.repeat(length)) },
    { weight: 1, arbitrary: fc.constant('z'.repeat(LONG_LINE)) },
  );

  test('gives the lines, windows and rules of any text', () => {
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), fc.nat(15), (pieces, quiet) => {
        const text = pieces.join('');
        expect(findCandidates(gate, Buffer.from(text), false, quiet)).toEqual(byHand(text, quiet));
      }),
      { numRuns: 500 },
    );
  });

  test('finds again the same as at first where something was hidden since', () => {
    const place = fc.tuple(fc.nat(9_000), fc.nat(40));
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 40 }),
        fc.array(place, { maxLength: 6 }),
        fc.nat(15),
        (pieces, places, quiet) => {
          const bytes = Buffer.from(pieces.join(''));
          const found = findCandidates(gate, bytes, false, quiet);
          const hidden = places.map(([at, length]) => {
            const start = at % (bytes.length + 1);
            return { start, end: Math.min(bytes.length, start + length) };
          });
          for (const { start, end } of hidden)
            for (let at = start; at < end; at++) if ((bytes[at] ?? 0) > 0x20) bytes[at] = 0x2a;
          expect(findAgain(gate, bytes, quiet, { found, hidden })).toEqual(
            findCandidates(gate, bytes, false, quiet),
          );
        },
      ),
      { numRuns: 500 },
    );
  });
});

const SIZE = 200_000;
const CEILING_MS = 4_000;
const begin = glue('-----BEGIN ', 'PRIVATE KEY-----');
const units = [
  ...[
    'my name is Anna ',
    'Mr. ',
    "O'",
    'a-',
    '(',
    '1 ',
    '12-',
    '+1 (',
    'May 3 ',
    '1:',
    'http://',
    '\xc3\xa9',
    '? ? ',
  ],
  ...[
    '<a>',
    '<dt>dob</dt>',
    '<dt>',
    '<a',
    '<dob>1</dob>',
    '<Patient>',
    '<text>',
    '<div>',
    '\x1cCA',
    '(01)12345678901234',
    '(10)a',
  ],
  ...['nhs ', 'cpf: 1', '- - [', '1.1.1.1 - - [', 'PID|1|', 'OBX|5|', 'patient.dob=', 'pt_name: '],
  ...[
    'ssn',
    'ssn: ',
    'social security ',
    glue('536-2', '2-1879 '),
    'password=',
    'password="',
    'password: aB3$',
    'secret_key_',
  ],
  ...[
    '://a:',
    'http://a:b@c ',
    'eyJ',
    'eyJa.eyJa.',
    begin,
    `${begin}\n`,
    'Basic QUFB',
    'Bearer a',
    '@',
    'a.b@c.d ',
  ],
  ...[
    'MSH|',
    'MSH|^~\\&|\r',
    'PID|1||1^^^^',
    'ISA*00*',
    'NM1*IL*1*',
    '{"birthDate":',
    '{"birthDate":"',
    '{',
    '[',
  ],
  ...[
    '{"a":{"dob":',
    '(dob=',
    'dob: ',
    '"dob":"1970-01-01",',
    'INSERT INTO t (dob,ssn,name) VALUES (',
    'INSERT INTO t (dob,',
  ],
  ...[
    "INSERT INTO t (dob,'",
    'COPY t (dob, ssn, name) FROM stdin;\n',
    '<recordTarget>',
    '<recordTarget><a ',
    '<td>dob',
  ],
  ...[
    'dob,ssn,name\n"',
    'dob,ssn,name\n,,\n',
    '- dob:\n ',
    'patient:\n  ',
    'patient name ',
    '/*',
    '"""',
    '`',
    "'dob",
  ],
  // Segments in which the delimiter of the header never stands again.
  ...['PID||1|1|1|A\r', 'OBX\r', 'NTE|1||^\r', 'PID^1^2^3\r', 'NM1*\n', 'N3~', 'REF*SY*1~'],
  ...['\x1eAM', '\x1cCB', '<telecom value="', "<birthTime value='", '<id root="', '<family>', '<div>a</div>'],
  ...[
    '1\tx\n',
    '1\n',
    '(1,',
    "('",
    '((',
    '<tr><td>1',
    '<table>',
    '<th>',
    '  dob  ssn  name\n',
    'dob | ssn | name\n',
  ],
  ...[
    'x',
    'aB3',
    'Aa',
    'AbCdEf ',
    'Anna ',
    "d'",
    '12 Main ',
    'Dr. A. ',
    '+',
    '1-',
    'patient: Anna Lind\n',
    'bp htn ',
  ],
  ...[
    'u0041',
    '\\u0041',
    '%41',
    '&#65;',
    'QUFB',
    '4141',
    '\\x41',
    'AKIA',
    'ghp_',
    'xoxb-',
    'S3 key ',
    'SUAA',
  ],
  ...[
    'vin: 1',
    'dea: ab1',
    'mbi 1eg4',
    'imei: 12',
    'card 4111 ',
    'medical record ',
    'routing number ',
    'dni 1',
  ],
  ...[
    '"resourceType":"Patient","name":[{',
    'npi ',
    'medicare ',
    '1234 5678 9012 3456 ',
    'iban DE89 ',
    'AccountKey=',
    '|dob|ssn|',
  ],
  ...[
    'curl -u a ',
    'curl -u a:',
    'mysql -p',
    'mysql ',
    '<password>',
    '<a.password',
    'name="password" value="',
    'password is ',
    'login x password ',
    'auth=("',
    'jwt.sign(',
    'name: token\n',
    '&dob=1',
    'a=1&dob=1970-01-02&',
    '{"dob":"{',
    '"{\\"dob\\":',
    'N:a;b\n',
    '["n",{},"text",[',
    'fhir:a [ ',
    '  - 1970-01-02\n',
    'a: { dob: 1, ',
    'Anna,Lind,1970-01-02,5\n',
    'Frau Anna ',
    'und der Herr ',
    '12 rue de la ',
    'la Calle A ',
    'in Bad A-B ',
    '[09:02] anna: ',
    '0700 RN\n',
    'member id is 12 ',
    ';pwd=',
    '"auth":"QUFB',
  ],
];

/** What a file begins with, so that the reader of its format goes on to the repeats. */
const openings: Readonly<Record<string, string>> = {
  'a.txt': 'dob birth patient\n',
  'a.json': '{"resourceType":"Patient","birthDate":"1970-01-02",\n',
  'a.js': 'dob birth patient\n',
  'a.sql': 'COPY patients (dob, ssn, name) FROM stdin;\n',
  'a.hl7': 'MSH|^~\\&|A|B\rPID|1||1234^^^A^MR||Lind^Anna\r',
  'a.edi': `ISA*00*${' '.repeat(10)}*00*${' '.repeat(10)}*ZZ*A${' '.repeat(14)}*ZZ*B${' '.repeat(14)}*240312*1015*^*00501*000000001*0*P*:~\nNM1*IL*1*A~`,
  'a.xml': '<ClinicalDocument xmlns="urn:hl7-org:v3"><recordTarget><patientRole>\n',
  'b.xml': '<Patient xmlns="http://hl7.org/fhir"><birthDate value="1970-01-02"/>\n',
  'a.html': '<html><body>dob birth patient\n',
  'a.csv': 'dob,ssn,name\n',
  'a.yaml': 'patient:\n  dob: 1970-01-02\n',
  'a.md': 'My mother is ill, and her patient record says dob.\n\n',
  'access.log': 'dob birth patient\n',
  'a.vcf': 'BEGIN:VCARD\n',
  'a.ttl': '@prefix fhir: <http://hl7.org/fhir/> .\n',
  'b.csv': 'Anna,Lind,1970-01-02,5\nAnna,Lind,1970-01-02,5\nAnna,Lind,1970-01-02,5\n',
};

/** Prose is read word by word, at a tenth of the speed of the rest. */
const PROSE_SIZE = 80_000;
const DEADLINE_MS = 180_000;

describe('no repeat makes a rule explode', () => {
  test.each(Object.entries(openings))(
    'in %s',
    async (path, opening) => {
      const scanner = createScanner({ fingerprintKey: new Uint8Array(32) });
      await scanner.warm();
      const size = /\.(?:txt|md)$/.test(path) ? PROSE_SIZE : SIZE;
      for (const unit of units) {
        const bytes = Buffer.from(opening + unit.repeat(size / unit.length));
        const before = process.cpuUsage();
        await scanner.scan({ kind: 'file', path }, bytes);
        const { user } = process.cpuUsage(before);
        expect(user / 1_000, `${unit} in ${path}`).toBeLessThan(CEILING_MS);
      }
    },
    DEADLINE_MS,
  );
});
