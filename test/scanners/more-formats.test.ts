// Records in the forms that other tools keep them in: contacts, FHIR in YAML and Turtle, tables without a header, JSON
// inside of strings, queries of URLs, dumps, logs. In each template every value in braces must be found, exactly.
import { faker } from '@faker-js/faker';
import { describe, expect, test } from 'vitest';
import { fieldKind } from '../../scanners/phi/fields.ts';
import { createScanner } from '../../scanners/scan.ts';
import { zip64Of } from '../support/archives.ts';
import { makePerson } from '../support/person.ts';

const scanner = createScanner({ fingerprintKey: new Uint8Array(32) });

/** Persons with names that are common somewhere: a table without a header is known by those. */
const persons = Array.from({ length: 6 }, (_, at) => {
  faker.seed(at + 3);
  return { ...makePerson(at + 70), given: faker.person.firstName(), family: faker.person.lastName() };
});
type Key =
  'given' | 'family' | 'born' | 'ssn' | 'mrn' | 'phone' | 'email' | 'street' | 'city' | 'zip' | 'memberId';

interface Document {
  readonly text: string;
  readonly values: readonly (readonly [number, number])[];
}

/** Fills a template: `{given}` is a value of the first person, `{2given}` of the third. */
function fill(template: string): Document {
  let text = '';
  const values: [number, number][] = [];
  for (const part of template.split(
    /(\{\d?(?:given|family|born|ssn|mrn|phone|email|street|city|zip|memberId)\})/,
  )) {
    const match = /^\{(\d?)(\w+)\}$/.exec(part);
    const person = persons[Number(match?.[1] ?? 0)];
    const value = match === null ? undefined : person?.[(match[2] ?? '') as Key];
    if (value !== undefined) values.push([text.length, text.length + value.length]);
    text += value ?? part;
  }
  return { text, values };
}

const rows = (line: string): string =>
  persons.map((_, at) => line.replaceAll(/\{(\w+)\}/g, `{${at}$1}`)).join('\n');

const templates: readonly (readonly [path: string, template: string])[] = [
  [
    'a.vcf',
    'BEGIN:VCARD\r\nVERSION:3.0\r\nN:{family};{given};;;\r\nBDAY:{born}\r\nTEL;TYPE=CELL:{phone}\r\nEMAIL:{email}\r\nADR;TYPE=HOME:;;{street};{city};;{zip};\r\nEND:VCARD\r\n',
  ],
  [
    'a.json',
    '["vcard",[["version",{},"text","4.0"],["n",{},"text",["{family}","{given}","","",""]],["bday",{},"date","{born}"],["tel",{"type":"cell"},"uri","tel:{phone}"]]]',
  ],
  [
    'a.yaml',
    'resourceType: Patient\nidentifier:\n  - system: urn:oid:1.2.36\n    value: "{mrn}"\nname:\n  - family: {family}\n    given:\n      - {given}\ntelecom:\n  - system: phone\n    value: {phone}\nbirthDate: {born}\naddress:\n  - line:\n      - {street}\n    city: {city}\n',
  ],
  [
    'a.ttl',
    '@prefix fhir: <http://hl7.org/fhir/> .\n<http://a/Patient/1> a fhir:Patient ;\n fhir:identifier ( [ fhir:value [ fhir:v "{mrn}" ] ] ) ;\n fhir:name ( [ fhir:family [ fhir:v "{family}" ] ; fhir:given ( [ fhir:v "{given}" ] ) ] ) ;\n fhir:birthDate [ fhir:v "{born}"^^xsd:date ] .\n',
  ],
  ['export.csv', rows('{given},{family},{born},F,{ssn},{phone},{street},{city}')],
  [
    'dump.sql',
    `INSERT INTO \`patients\` VALUES ${rows("(1,'{given}','{family}','{born}','{ssn}','{phone}')").replaceAll('\n', ',')};`,
  ],
  [
    'copy.sql',
    `COPY "clinic"."patient" ("id","given_name","family_name","birth_date","mrn") FROM stdin WITH CSV;\n${rows('1,{given},{family},{born},{mrn}')}\n\\.\n`,
  ],
  [
    'queue.json',
    String.raw`{"body":"{\"patient\":{\"firstName\":\"{given}\",\"lastName\":\"{family}\",\"dob\":\"{born}\",\"mrn\":\"{mrn}\"}}"}`,
  ],
  [
    'queue2.json',
    String.raw`{"a":"{\"b\":\"{\\\"patient\\\":{\\\"firstName\\\":\\\"{given}\\\",\\\"lastName\\\":\\\"{family}\\\",\\\"dob\\\":\\\"{born}\\\"}}\"}"}`,
  ],
  [
    'a.test.js',
    `const body = '{"first_name": "{given}", "last_name": "{family}", "dob": "{born}", "mrn": "{mrn}"}';`,
  ],
  [
    'test_a.py',
    'BODY = """\n{"patient": {"first_name": "{given}", "last_name": "{family}", "date_of_birth": "{born}", "mrn": "{mrn}"}}\n"""\n',
  ],
  ['test_b.py', `CSV = '''\nfirst_name,last_name,dob,ssn\n${rows('{given},{family},{born},{ssn}')}\n'''\n`],
  [
    'access.log',
    '- - [12/Mar/2024:09:14:02 +0000] "GET /search?first_name={given}&last_name={family}&dob={born}&mrn={mrn} HTTP/1.1" 200 12',
  ],
  [
    'links.txt',
    'https://portal.acme.net/patients?patient[first_name]={given}&amp;patient[last_name]={family}&amp;patient[ssn]={ssn}',
  ],
  [
    'export.xml',
    '<EXPORT><ROW PAT_LST_NM="{family}" PAT_MRN="{mrn}" BIRTH_DATE="{born}" ADDR1_TXT="{street}" CITY_NM="{city}" ZIP_CD="{zip}"/></EXPORT>',
  ],
  [
    'wide.csv',
    `PAT_MRN_ID,PAT_FRST_NM,PAT_LST_NM,BRTH_DT,ADDR1_TXT,CITY_NM,PRIM_PHN_NBR,Insurance #\n${rows('{mrn},{given},{family},{born},{street},{city},{phone},{memberId}')}`,
  ],
  ['people.yml', 'anna: { first_name: {given}, last_name: {family}, dob: {born}, mrn: {mrn} }\n'],
  [
    'app.properties',
    'test.patient.lastName={family}\ntest.patient.dateOfBirth={born}\ntest.patient.ssn={ssn}\n',
  ],
  [
    'app.log',
    'time=2024-03-12T09:14:02Z level=info msg="saved" first_name={given} last_name={family} dob={born} mrn={mrn}\n',
  ],
];

describe('a record', () => {
  test.each(templates)('in %s', async (path, template) => {
    const { text, values } = fill(template);
    const { findings } = await scanner.scan({ kind: 'file', path }, Buffer.from(text));
    const sure = findings.filter(({ confidence }) => confidence >= 0.85);
    const found = (start: number, end: number) =>
      sure.some(({ byteStart, byteEnd }) => byteStart <= start && byteEnd >= end);
    expect(values.length).toBeGreaterThan(2);
    expect(
      values.filter(([start, end]) => !found(start, end)).map(([start, end]) => text.slice(start, end)),
    ).toEqual([]);
    const loose = findings.filter(
      ({ byteStart, byteEnd }) => !values.some(([start, end]) => byteStart < end && byteEnd > start),
    );
    expect(loose.map(({ byteStart, byteEnd }) => text.slice(byteStart, byteEnd))).toEqual([]);
  });

  test.each([
    ['lamps.csv', rows('{zip},Desk lamp,2024-03-12,White,12.50')],
    ['visits.csv', rows('London,Paris,2024-03-12,Monday,4')],
    ['en.properties', 'Patient.name=Patient\nPatient.birthdate=Date of birth\nPerson.address=Main address\n'],
    ['a.js', 'const a = x && y; const url = "/search?page=2&sort=name&first=20&last=40";'],
    ['b.json', '{"query": "{ patient { name birthDate identifier { value } } }"}'],
  ])('is none in %s', async (path, template) => {
    const { findings } = await scanner.scan({ kind: 'file', path }, Buffer.from(fill(template).text));
    expect(findings).toEqual([]);
  });
});

test.each([
  ['given-name', 'PAT_FRST_NM|Vorname des Patienten|mbr_first_nm|nombre_pac_primer'],
  ['family-name', 'PAT_LST_NM|Nachname des Patienten|ape_pac|guar_last_name|memberLastNm'],
  ['birth-date', 'BRTH_DT|pt_birth_dte|Geb. Datum|fec_nac|date_naiss_pat'],
  ['care-date', 'ADMT_DT|disch_dt|SVC_DATE|fec_ingreso|Datum der Aufnahme'],
  ['street', 'ADDR1_TXT|mbrHomeAddrLine1|adr_ligne1|dir_pac|Strasse u. Hausnr.'],
  ['city', 'CITY_NM|pt_home_city|ville_pat'],
  ['zip', 'ZIP_CD|mail_zip_code|cod_post'],
  ['phone', 'PRIM_PHN_NBR|tel_dom|Tel. privat|emerg_contact_phone_num'],
  ['health-plan', 'Insurance #|ins_id_nbr|mbr_pol_num'],
])('words of a name say together that it is a %s', (kind, names) => {
  for (const name of names.split('|')) expect([name, fieldKind(name)]).toEqual([name, kind]);
});

test.each([
  'last_visit_dt',
  'first_seen',
  'class_name',
  'nurse_shift',
  'street_light',
  'post_date',
  'data_id',
  'mail_server',
  'line1_color',
])('%s is no field of a person', (name) => {
  expect(fieldKind(name)).toBeUndefined();
});

test('archives in the form of zip64 are read', async () => {
  const { text } = fill('last_name,dob,ssn\n{family},{born},{ssn}\n');
  const archive = zip64Of({ 'readme.txt': 'nothing', 'people.csv': text });
  const { findings } = await scanner.scan({ kind: 'file', path: 'a.zip' }, archive);
  expect(findings.map(({ rule, path }) => `${path} ${rule}`)).toEqual([
    'a.zip!people.csv phi/name',
    'a.zip!people.csv phi/birth-date',
    'a.zip!people.csv phi/ssn',
  ]);
  for (let cut = 0; cut < archive.length; cut += 7)
    await scanner.scan({ kind: 'file', path: 'a.zip' }, archive.subarray(0, cut));
});
