// Variants of the health formats: other syntaxes, byte orders and transactions, and the narrative beside the fields.
import { deflateRawSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { createScanner } from '../../scanners/scan.ts';
import { makePerson } from '../support/person.ts';
import { glue } from './values.ts';

const scanner = createScanner({ fingerprintKey: new Uint8Array(32) });
const person = makePerson(5);
const born = person.born.replaceAll('-', '');

async function found(
  path: string,
  text: string | Uint8Array,
): Promise<readonly (readonly [string, string])[]> {
  const bytes = Buffer.from(text);
  const { findings } = await scanner.scan({ kind: 'file', path }, bytes);
  return findings
    .filter(({ confidence, severity }) => confidence >= 0.85 && severity !== 'low')
    .map(({ rule, byteStart, byteEnd }) => [rule, bytes.toString('utf8', byteStart, byteEnd)] as const);
}

describe('FHIR', () => {
  const xml =
    `<Bundle xmlns="http://hl7.org/fhir"><entry><resource><Patient>` +
    `<text><div xmlns="http://www.w3.org/1999/xhtml">Seen: ${person.given} ${person.family}</div></text>` +
    `<identifier><type><coding><code value="DL"/></coding></type><value value="${person.account}"/></identifier>` +
    `<name><family value='${person.family}'/><given value="${person.given}"/></name>` +
    `<telecom><system value="phone"/><value value="${person.phone}"/></telecom>` +
    `<birthDate value="${person.born}"/></Patient></resource></entry></Bundle>`;

  test('in XML, with types of identifiers and the narrative', async () => {
    const values = await found('patient.xml', xml);
    expect(values).toEqual([
      ['phi/name', person.given],
      ['phi/name', person.family],
      ['phi/license', person.account],
      ['phi/name', person.family],
      ['phi/name', person.given],
      ['phi/phone', person.phone],
      ['phi/birth-date', person.born],
    ]);
  });

  test('cut anywhere, without an error', async () => {
    for (let cut = 0; cut < xml.length; cut += 7) await found('patient.xml', xml.slice(0, cut));
  });

  test('DSTU2 lists of family names, and references to patients', async () => {
    const text = JSON.stringify({
      resourceType: 'Patient',
      name: [{ family: [person.family], given: [person.given] }],
      birthDate: person.born,
      contained: [
        { resourceType: 'Observation', subject: { reference: 'Patient/1', display: `${person.given} X` } },
      ],
    });
    expect((await found('p.json', text)).filter(([rule]) => rule === 'phi/name')).toHaveLength(3);
  });
});

test('C-CDA narrative repeats the header, in other spellings of the date', async () => {
  const [year, month, day] = person.born.split('-').map(Number);
  const shown = `${month}/${day}/${year}`;
  const text =
    `<ClinicalDocument xmlns="urn:hl7-org:v3"><recordTarget><patientRole>` +
    `<telecom value="tel: 1+(617)254-1212"/><patient><name><given>${person.given}</given>` +
    `<family>${person.family}</family></name><birthTime value="${born}"/></patient></patientRole></recordTarget>` +
    `<component><section><text>Mrs. ${person.family}, born ${shown}, is seen.</text></section></component></ClinicalDocument>`;
  const values = await found('note.xml', text);
  expect(values).toContainEqual(['phi/birth-date', shown]);
  expect(values.filter(([, value]) => value === person.family)).toHaveLength(2);
  expect(values).toContainEqual(['phi/phone', '1+(617)254-1212']);
});

describe('DICOM', () => {
  const element = (group: number, number: number, vr: string, value: string, big: boolean) => {
    const text = value.length % 2 === 0 ? value : `${value} `;
    const head = Buffer.alloc(8);
    const write = (word: number, at: number) =>
      big ? head.writeUInt16BE(word, at) : head.writeUInt16LE(word, at);
    write(group, 0);
    write(number, 2);
    head.write(vr, 4, 'latin1');
    write(text.length, 6);
    return Buffer.concat([head, Buffer.from(text, 'latin1')]);
  };
  const name = `${person.family}^${person.given}`.toUpperCase();
  const data = (big: boolean) =>
    Buffer.concat([
      element(0x0008, 0x0060, 'CS', 'MR', big),
      element(0x0010, 0x0010, 'PN', name, big),
      element(0x0010, 0x0020, 'LO', person.mrn, big),
    ]);
  const file = (syntax: string, body: Uint8Array) =>
    Buffer.concat([Buffer.alloc(128), Buffer.from('DICM'), element(2, 0x10, 'UI', syntax, false), body]);

  test('big endian', async () => {
    const rules = (await found('a.dcm', file('1.2.840.10008.1.2.2', data(true)))).map(([rule]) => rule);
    expect(rules).toEqual(['phi/name', 'phi/mrn']);
  });

  test('deflated: the whole data set is the finding', async () => {
    const bytes = file('1.2.840.10008.1.2.1.99', deflateRawSync(data(false)));
    expect(await found('a.dcm', bytes)).toHaveLength(1);
    expect(await found('a.dcm', bytes.subarray(0, bytes.length - 9))).toEqual([]);
  });

  test('without the preamble', async () => {
    expect(await found('a.img', data(false))).toContainEqual(['phi/name', name]);
  });
});

test('NCPDP claims', async () => {
  const claim =
    `\x1e\x1cAM01\x1cC4${born}\x1cCA${person.given.toUpperCase()}\x1cCB${person.family.toUpperCase()}\x1cCM${person.street}` +
    `\x1e\x1cAM04\x1cC2${person.memberId}`;
  expect((await found('claim.bin', claim)).map(([rule]) => rule)).toEqual([
    'phi/birth-date',
    'phi/name',
    'phi/name',
    'phi/address',
    'phi/health-plan',
  ]);
});

test('X12: eligibility and enrolment, and a second interchange with other delimiters', async () => {
  const head = (element: string, end: string) =>
    glue(
      'IS',
      'A*00*          *00*          *ZZ*SENDER         *ZZ*RECEIVER       *240312*1015*^*00501*000000001*0*P*:',
    )
      .replaceAll('*', element)
      .concat(end);
  const body = [
    'INS*Y*18*021*28*A',
    `REF*0F*${person.memberId}`,
    `NM1*IL*1*${person.family}*${person.given}`,
    `DMG*D8*${born}*F`,
  ];
  const text =
    [head('*', '~'), ...body].join('~\n') +
    '~\n' +
    [head('|', '_'), ...body.map((s) => s.replaceAll('*', '|'))].join('_\n');
  const rules = (await found('a.834', text)).map(([rule]) => rule);
  expect(rules.filter((rule) => rule === 'phi/name')).toHaveLength(2);
  expect(rules.filter((rule) => rule === 'phi/birth-date')).toHaveLength(2);
  expect(rules.filter((rule) => rule === 'phi/health-plan')).toHaveLength(2);
});
