// Records in the many ways that programs and exports write them: every value is found, and what only looks alike is
// not.
import { describe, expect, test } from 'vitest';
import { createScanner } from '../../scanners/scan.ts';
import { makePerson } from '../support/person.ts';

const scanner = createScanner({ fingerprintKey: new Uint8Array(32) });
const a = makePerson(21);
const b = makePerson(22);
const dateOf = (iso: string) => iso.split('-').map(Number).join(', ');

async function refused(path: string, text: string): Promise<readonly string[]> {
  const bytes = Buffer.from(text);
  const { findings } = await scanner.scan({ kind: 'file', path }, bytes);
  return findings
    .filter(({ confidence, severity }) => confidence >= 0.85 && severity !== 'low')
    .map(({ byteStart, byteEnd }) => bytes.toString('utf8', byteStart, byteEnd));
}

const lines = (...text: readonly string[]) => text.join('\n');

describe('found', () => {
  test.each<readonly [string, string, string, readonly string[]]>([
    [
      'a data frame',
      'a.py',
      `pd.DataFrame({"first_name": ["${a.given}", "${b.given}"], "dob": ["${a.born}", "${b.born}"], "mrn": ["${a.mrn}", "${b.mrn}"]})`,
      [a.given, b.given, a.born, b.born, a.mrn, b.mrn],
    ],
    [
      'vectors of R',
      'a.R',
      `data.frame(last_name=c("${a.family}", "${b.family}"), dob=c("${a.born}", "${b.born}"), mrn=c("${a.mrn}", "${b.mrn}"))`,
      [a.family, b.family, a.born, b.born, a.mrn, b.mrn],
    ],
    [
      'maps',
      'A.java',
      `m.put("firstName", "${a.given}");\nm.put("dateOfBirth", "${a.born}");\nm.put("mrn", "${a.mrn}");`,
      [a.given, a.born, a.mrn],
    ],
    [
      'dates by their numbers',
      'A.cs',
      `new Patient { LastName = "${a.family}", DateOfBirth = new DateTime(${dateOf(a.born)}), Mrn = "${a.mrn}" };`,
      [a.family, dateOf(a.born), a.mrn],
    ],
    [
      'a builder with a date',
      'A.java',
      `b.lastName("${a.family}").birthDate(LocalDate.of(${dateOf(a.born)})).mrn("${a.mrn}")`,
      [a.family, dateOf(a.born), a.mrn],
    ],
    [
      'blocks of a factory',
      'a.rb',
      lines(
        'factory :patient do',
        `  first_name { "${a.given}" }`,
        `  dob { "${a.born}" }`,
        `  mrn { "${a.mrn}" }`,
      ),
      [a.given, a.born, a.mrn],
    ],
    [
      'labelled values',
      'a.json',
      `{"patient": {"lastName": "${a.family}", "dob": "${a.born}", "ids": [{"type": "MRN", "value": "${a.mrn}"}]}}`,
      [a.family, a.born, a.mrn],
    ],
    [
      'a table under a title',
      'a.csv',
      lines(
        'Clinic,,',
        'Made 2026-01-02,,',
        '',
        'Patient,DOB,MRN',
        `${a.given} ${a.family},${a.born},${a.mrn}`,
      ),
      [`${a.given} ${a.family}`, a.born, a.mrn],
    ],
    [
      'columns named with brackets',
      'a.csv',
      lines('"Name (Last, First)",DOB (y-m-d),MRN', `"${a.family}, ${a.given}",${a.born},${a.mrn}`),
      [`${a.family}, ${a.given}`, a.born, a.mrn],
    ],
    [
      'columns named first and last',
      'a.csv',
      lines('Id,BIRTHDATE,SSN,FIRST,LAST', `1,${a.born},${a.ssn},${a.given},${a.family}`),
      [a.born, a.ssn, a.given, a.family],
    ],
    [
      'a family name beside a given name',
      'a.csv',
      lines('NOM;Prénom;Date de naissance;N° patient', `${a.family};${a.given};${a.born};${a.mrn}`),
      [a.family, a.given, a.born, a.mrn],
    ],
    [
      'T-SQL',
      'a.sql',
      `INSERT [dbo].[Patients] ([LastName], [BirthDate], [MRN]) VALUES (N'${a.family}', CAST(N'${a.born}' AS Date), N'${a.mrn}')`,
      [a.family, a.born, a.mrn],
    ],
    [
      'X12 in literals',
      'a.py',
      lines(
        `x = ("ISA*00*${' '.repeat(10)}*00*${' '.repeat(10)}*ZZ*A${' '.repeat(14)}*ZZ*B${' '.repeat(14)}*260101*1253*^*00501*000000905*1*T*:~"`,
        `  "NM1*IL*1*${a.family}*${a.given}****MI*${a.memberId}~"`,
        `  "DMG*D8*${a.born.replaceAll('-', '')}*F~")`,
      ),
      [`${a.family}*${a.given}`, a.memberId, a.born.replaceAll('-', '')],
    ],
    [
      'letters written as escapes',
      'a.json',
      `{"resourceType": "Patient", "name": [{"family": "Ru\\u00edz", "given": ["van", "J"]}], "birthDate": "${a.born}"}`,
      ['Ru\\u00edz', 'van', 'J', a.born],
    ],
    [
      'labels of a page without cells',
      'a.html',
      `<div class="patient"><span>Patient Name:</span> <span>${a.given} ${a.family}</span> <b>DOB:</b> ${a.born}<br><b>MRN:</b> ${a.mrn}<br></div>`,
      [`${a.given} ${a.family}`, a.born, a.mrn],
    ],
    [
      'a table of a page with an index',
      'a.html',
      `<table><tr><th></th><th>patient</th><th>dob</th><th>mrn</th></tr>` +
        `<tr><th>0</th><td>${a.given} ${a.family}</td><td>${a.born}</td><td>${a.mrn}</td></tr></table>`,
      [`${a.given} ${a.family}`, a.born, a.mrn],
    ],
    [
      'a comment',
      'a.py',
      `# patient ${a.given} ${a.family} (DOB ${a.born}, MRN ${a.mrn}) cannot log in\ndef f(): pass`,
      [`${a.given} ${a.family}`, a.born, a.mrn],
    ],
    [
      'printed by a notebook',
      'a.ipynb',
      `{"cells": [{"outputs": [{"text": ["Patient: ${a.given} ${a.family}, DOB: ${a.born}, MRN: ${a.mrn}\\n"]}]}]}`,
      [`${a.given} ${a.family}`, a.born, a.mrn],
    ],
    ['a chat', 'a.log', `[10:02] kim: her mrn is ${a.mrn}\n`, [a.mrn]],
    [
      'variables of tests',
      '.env.test',
      lines(
        `TEST_PATIENT_NAME="${a.given} ${a.family}"`,
        `TEST_PATIENT_DOB=${a.born}`,
        `TEST_PATIENT_MRN=${a.mrn}`,
      ),
      [`${a.given} ${a.family}`, a.born, a.mrn],
    ],
  ])('%s', async (_name, path, text, values) => {
    const found = await refused(path, text);
    const missed = values.filter((value) => !found.some((each) => each.trim() === value));
    expect(missed.map((value) => values.indexOf(value))).toEqual([]);
  });
});

describe('not found', () => {
  test.each([
    [
      'translations',
      'a.js',
      't("firstName", "First name"); t("dob", "Date of birth"); t("mrn", "Record number");',
    ],
    [
      'types',
      'a.ts',
      'const t = { first_name: ["string", "required"], last_name: ["string"], dob: ["date"] };',
    ],
    [
      'labelled types',
      'a.js',
      '[{ type: "mrn", value: "Medical Record Number" }, { type: "dob", value: "date" }]',
    ],
    [
      'a company',
      'a.html',
      '<p><b>Name:</b> Northlake Lamps Inc.</p><p><b>Phone:</b> 1-800-275-2273</p><p><b>Address:</b> 4 Park Way</p>',
    ],
    ['products', 'a.csv', 'Lamps,,\n2026,,\nname,serial_number,zip\nDesk Lamp,991823,90211\n'],
  ])('%s', async (_name, path, text) => {
    expect(await refused(path, text)).toEqual([]);
  });
});
