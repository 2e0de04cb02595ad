// Columns and keys in five languages and many spellings; values must confirm what a header claims.
import { describe, expect, test } from 'vitest';
import { type FieldKind, fieldKind } from '../../scanners/phi/fields.ts';
import { createScanner } from '../../scanners/scan.ts';
import { makePerson } from '../support/person.ts';

const scanner = createScanner({ fingerprintKey: new Uint8Array(32) });

async function refused(path: string, text: string): Promise<readonly string[]> {
  const bytes = Buffer.from(text);
  const { findings } = await scanner.scan({ kind: 'file', path }, bytes);
  return findings
    .filter(({ confidence, severity }) => confidence >= 0.85 && severity !== 'low')
    .map(({ byteStart, byteEnd }) => bytes.toString('utf8', byteStart, byteEnd));
}

const spellings: Readonly<Partial<Record<FieldKind, string>>> = {
  'given-name': 'PatientFirstName|first_nm|Vorname|Prénom|Primer nombre|Primeiro nome',
  'family-name': 'PAT_LNAME|pt_last_nm|Nachname|Nom de famille|Apellidos|Sobrenome',
  'full-name': 'Patient Name|Nom du patient|Nombre del paciente|Nome do paciente|Patientenname',
  'birth-date': 'DOB (mm/dd/yyyy)|Birth Dt|Fecha de nacimiento|Geb.-Datum|Né(e) le|Dt. Nasc.|data_nasc',
  ssn: 'Soc Sec #|Patient SSN|social_security_number',
  'national-id': 'N° de sécurité sociale|Nº Seguridad Social|CPF|Rentenversicherungsnummer|NHS No.',
  mrn: 'Medical Record #|MRN #|Pt MRN|Nº Historia|N° dossier|Patienten-ID|Número do prontuário',
  'health-plan': 'Member ID #|Policy #|Medicare #|Versicherten-Nr.|N° adhérent|Número de póliza|Cartão SUS',
  phone: 'Phone #|Tel. móvil|Mobiltelefon|Tél portable|Telemóvel',
  street: 'ADDR1|Straße und Hausnummer|Domicilio|Adresse|Morada',
  zip: 'ZIP Code|PLZ|C.P.|Code postal|CEP',
  account: 'Acct Num|N° de compte|Nº de cuenta|Kontonummer|Conta bancária',
  passport: 'Passport No|Reisepass|Pasaporte',
};

test.each(Object.entries(spellings))('%s is understood', (kind, names) => {
  for (const name of names.split('|')) expect([name, fieldKind(name)]).toEqual([name, kind]);
});

test('names of products and programs are no fields of a person', () => {
  for (const name of 'policy group license package name id user_id file_name hostname status phone_code'.split(
    ' ',
  ))
    expect(['bare-name', undefined]).toContain(fieldKind(name));
});

const person = makePerson(8);
const [year, month, day] = person.born.split('-');
const local = `${day}/${month}/${year}`;

describe('tables are refused', () => {
  test.each([
    ['a.csv', ',', 'Apellidos,Nombre,Fecha de nacimiento,Nº Historia'],
    ['a.tsv', '\t', 'Nachname\tVorname\tGeb.-Datum\tPatienten-ID'],
    ['a.csv', ';', 'Nom de famille;Prénom;Date de naissance;N° dossier'],
    ['a.txt', '|', 'Sobrenome|Nome|Data de nascimento|Número do prontuário'],
    ['a.csv', ',', 'PAT_LNAME,PAT_FNAME,PAT_DOB,MRN #'],
  ])('%s parted by %j', async (path, delimiter, header) => {
    const row = [person.family, person.given, local, person.mrn].join(delimiter);
    const found = await refused(path, `${header}\n${row}\n${row}\n`);
    expect(found).toEqual(expect.arrayContaining([person.family, local, person.mrn]));
  });
});

describe('records of settings are refused', () => {
  const fields = {
    first_name: person.given,
    last_name: person.family,
    birth_date: person.born,
    mrn: person.mrn,
  };
  const pairs = (join: (key: string, value: string) => string) =>
    Object.entries(fields)
      .map(([key, value]) => join(key, value))
      .join('\n');
  test.each([
    ['a.toml', `[patient]\n${pairs((key, value) => `${key} = "${value}"`)}\n`],
    ['a.properties', `${pairs((key, value) => `patient.${key}=${value}`)}\n`],
    ['a.env', `${pairs((key, value) => `PATIENT_${key.toUpperCase()}=${value}`)}\n`],
    ['a.ini', `[patient]\n${pairs((key, value) => `${key} = ${value}`)}\n`],
    [
      'a.log',
      `2024-01-02 INFO created patient {${pairs((key, value) => `"${key}": "${value}",`).replaceAll('\n', ' ')} "ok": true}\n`,
    ],
    [
      'a.log',
      `2024-01-02 INFO patient ${pairs((key, value) => `${key}=${value}`).replaceAll('\n', ' ')} saved\n`,
    ],
    [
      'a.rs',
      `let p = Patient { ${pairs((key, value) => `${key}: "${value}".to_string(),`).replaceAll('\n', ' ')} };`,
    ],
    [
      'a.cs',
      `new Patient { FirstName = "${person.given}", LastName = "${person.family}", BirthDate = "${person.born}", Mrn = "${person.mrn}" };`,
    ],
    [
      'a.kt',
      `Patient(firstName = "${person.given}", lastName = "${person.family}", birthDate = LocalDate.parse("${person.born}"), mrn = "${person.mrn}")`,
    ],
    [
      'a.php',
      `$patient = ['first_name' => '${person.given}', 'last_name' => '${person.family}', 'dob' => '${person.born}', 'mrn' => '${person.mrn}'];`,
    ],
    [
      'a.ex',
      `%Patient{first_name: "${person.given}", last_name: "${person.family}", dob: ~D[${person.born}], mrn: "${person.mrn}"}`,
    ],
    [
      'a.xml',
      `<patient><firstName>${person.given}</firstName><lastName>${person.family}</lastName><dob>${person.born}</dob><mrn>${person.mrn}</mrn></patient>`,
    ],
    [
      'a.xml',
      `<row first_name="${person.given}" last_name="${person.family}" dob="${person.born}" mrn="${person.mrn}"/>`,
    ],
    [
      'a.html',
      `<dl><dt>Patient name</dt><dd>${person.given} ${person.family}</dd><dt>MRN</dt><dd>${person.mrn}</dd><dt>DOB</dt><dd>${local}</dd></dl>`,
    ],
    [
      'a.tf',
      `locals {\n  patient = {\n    first_name = "${person.given}"\n    last_name = "${person.family}"\n    dob = "${person.born}"\n    mrn = "${person.mrn}"\n  }\n}\n`,
    ],
  ])('%s', async (path, text) => {
    const found = await refused(path, text);
    expect(found.some((value) => value.includes(person.family))).toBe(true);
    expect(found).toContain(person.mrn);
  });
});
