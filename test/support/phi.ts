// Files and texts that carry a patient's data, in the formats that people commit. Made when a test runs, from
// `makePerson`, so that nothing that looks like a record of a patient stands in the repository.
import { coreValues, makePerson, type Person, type PlantedValue } from './person.ts';

export interface PhiSample {
  /** A name for the file; its extension fits the format. */
  readonly path: string;
  readonly text: string;
  /** Every value in it that belongs to the patient, as it stands in the text. */
  readonly values: readonly PlantedValue[];
}

type Maker = (person: Person) => PhiSample;

const compact = (isoDate: string): string => isoDate.replaceAll('-', '');
const undashed = (ssn: string): string => ssn.replaceAll('-', '');
const usDate = (isoDate: string): string => isoDate.replace(/^(\d+)-(\d+)-(\d+)$/, '$2/$3/$1');

/** One maker for each format; `phiSample` and `phiSamples` call them. */
const makers = {
  hl7v2: (person) => ({
    path: 'data/adt-message.hl7',
    text: `${[
      `MSH|^~\\&|ADT|WARD|LAB|HOSP|20240312101500||ADT^A01|MSG${person.account}|P|2.5`,
      `EVN|A01|20240312101500`,
      `PID|1||${person.mrn}^^^HOSP^MR||${person.family}^${person.given}||${compact(person.born)}|${person.sex}|||` +
        `${person.street}^^${person.city}^${person.state}^${person.zip}||${person.phone}|||||` +
        `${person.account}|${person.ssn}`,
      `PV1|1|I|ICU^12^A`,
    ].join('\r')}\r`,
    values: [
      ...coreValues(person),
      { identifier: 'date', text: compact(person.born) },
      { identifier: 'phone', text: person.phone },
      { identifier: 'geographic', text: person.street },
      { identifier: 'account', text: person.account },
    ],
  }),
  fhir: (person) => ({
    path: 'fixtures/patient.json',
    text: `${JSON.stringify(
      {
        resourceType: 'Patient',
        id: 'p1',
        identifier: [
          { type: { coding: [{ code: 'MR' }] }, system: 'urn:hospital:mrn', value: person.mrn },
          { system: 'http://hl7.org/fhir/sid/us-ssn', value: person.ssn },
        ],
        name: [{ use: 'official', family: person.family, given: [person.given] }],
        telecom: [
          { system: 'phone', value: person.phone },
          { system: 'email', value: person.email },
        ],
        gender: person.sex === 'F' ? 'female' : 'male',
        birthDate: person.born,
        address: [{ line: [person.street], city: person.city, state: person.state, postalCode: person.zip }],
      },
      null,
      2,
    )}\n`,
    values: [
      ...coreValues(person),
      { identifier: 'date', text: person.born },
      { identifier: 'phone', text: person.phone },
      { identifier: 'email', text: person.email },
      { identifier: 'geographic', text: person.street },
    ],
  }),
  x12: (person) => ({
    path: 'claims/claim.837',
    text: `${[
      'ISA*00*          *00*          *ZZ*SENDER         *ZZ*RECEIVER       *240312*1015*^*00501*000000001*0*P*:',
      'GS*HC*SENDER*RECEIVER*20240312*1015*1*X*005010X222A1',
      'ST*837*0001*005010X222A1',
      `NM1*IL*1*${person.family.toUpperCase()}*${person.given.toUpperCase()}****MI*${person.memberId}`,
      `N3*${person.street.toUpperCase()}`,
      `N4*${person.city.toUpperCase()}*${person.state}*${person.zip}`,
      `DMG*D8*${compact(person.born)}*${person.sex}`,
      `REF*SY*${undashed(person.ssn)}`,
      `CLM*${person.account}*125***11:B:1*Y*A*Y*Y`,
      'SE*8*0001',
      'GE*1*1',
      'IEA*1*000000001',
    ].join('~\n')}~\n`,
    values: [
      { identifier: 'name', text: person.family.toUpperCase() },
      { identifier: 'ssn', text: undashed(person.ssn) },
      { identifier: 'health-plan', text: person.memberId },
      { identifier: 'date', text: compact(person.born) },
      { identifier: 'geographic', text: person.street.toUpperCase() },
    ],
  }),
  csv: (person) => ({
    path: 'exports/patients.csv',
    text:
      'mrn,first_name,last_name,dob,ssn,phone,email,diagnosis\n' +
      `${person.mrn},${person.given},${person.family},${person.born},${person.ssn},${person.phone},${person.email},E11.9\n`,
    values: [
      ...coreValues(person),
      { identifier: 'date', text: person.born },
      { identifier: 'phone', text: person.phone },
      { identifier: 'email', text: person.email },
    ],
  }),
  sql: (person) => ({
    path: 'db/seed.sql',
    text:
      'INSERT INTO patients (mrn, first_name, last_name, date_of_birth, ssn, phone) VALUES\n' +
      `  ('${person.mrn}', '${person.given}', '${person.family}', '${person.born}', '${person.ssn}', '${person.phone}');\n`,
    values: [...coreValues(person), { identifier: 'date', text: person.born }],
  }),
  javascript: (person) => ({
    path: 'src/fixture.js',
    text:
      'export const patient = {\n' +
      `  firstName: '${person.given}',\n  lastName: '${person.family}',\n` +
      `  dateOfBirth: '${person.born}',\n  ssn: '${person.ssn}',\n  mrn: '${person.mrn}',\n};\n`,
    values: [...coreValues(person), { identifier: 'date', text: person.born }],
  }),
  python: (person) => ({
    path: 'tests/test_intake.py',
    text:
      'PATIENT = {\n' +
      `    "first_name": "${person.given}",\n    "last_name": "${person.family}",\n` +
      `    "date_of_birth": "${person.born}",\n    "ssn": "${person.ssn}",\n    "mrn": "${person.mrn}",\n}\n`,
    values: [...coreValues(person), { identifier: 'date', text: person.born }],
  }),
  java: (person) => ({
    path: 'src/test/java/IntakeTest.java',
    text:
      'class IntakeTest {\n  Patient patient() {\n    return new Patient()\n' +
      `        .setFirstName("${person.given}")\n        .setLastName("${person.family}")\n` +
      `        .setDateOfBirth("${person.born}")\n        .setSsn("${person.ssn}")\n        .setMrn("${person.mrn}");\n  }\n}\n`,
    values: [...coreValues(person), { identifier: 'date', text: person.born }],
  }),
  notebook: (person) => ({
    path: 'analysis/cohort.ipynb',
    text: `${JSON.stringify(
      {
        nbformat: 4,
        nbformat_minor: 5,
        metadata: {},
        cells: [
          {
            cell_type: 'code',
            source: ['df.head(1)'],
            metadata: {},
            execution_count: 1,
            outputs: [
              {
                output_type: 'execute_result',
                execution_count: 1,
                metadata: {},
                data: {
                  'text/plain': [
                    '        mrn last_name         dob          ssn\n',
                    `0  ${person.mrn}  ${person.family}  ${person.born}  ${person.ssn}`,
                  ],
                },
              },
            ],
          },
        ],
      },
      null,
      1,
    )}\n`,
    values: [
      { identifier: 'ssn', text: person.ssn },
      { identifier: 'mrn', text: person.mrn },
    ],
  }),
  note: (person) => ({
    path: 'notes/discharge.txt',
    text:
      `DISCHARGE SUMMARY\n\nPatient Name: ${person.given} ${person.family}\nMRN: ${person.mrn}\nDOB: ${usDate(person.born)}\n` +
      `SSN: ${person.ssn}\nPhone: ${person.phone}\nAddress: ${person.street}, ${person.city}, ${person.state} ${person.zip}\n\n` +
      'HISTORY OF PRESENT ILLNESS: The patient was admitted with chest pain and shortness of breath.\n',
    values: [
      ...coreValues(person),
      { identifier: 'date', text: usDate(person.born) },
      { identifier: 'phone', text: person.phone },
      { identifier: 'geographic', text: person.street },
    ],
  }),
} satisfies Readonly<Record<string, Maker>>;

export type PhiFormat = keyof typeof makers;

/** Every format that a sample can be had in. */
export const phiFormats = Object.keys(makers) as readonly PhiFormat[];

/** The sample of a format and seed. */
export function phiSample(format: PhiFormat, seed = 1): PhiSample {
  return makers[format](makePerson(seed));
}

/** A commit message that tells more than it should. */
export function phiMessage(seed = 1): PhiSample {
  const person = makePerson(seed);
  return {
    path: 'commit message',
    text: `Fix the intake of one patient\n\nPatient ${person.given} ${person.family}, SSN ${person.ssn}, MRN: ${person.mrn}.\n`,
    values: [{ identifier: 'ssn', text: person.ssn }],
  };
}

/** A path whose name carries an identifier. */
export function phiPath(seed = 1): PhiSample {
  const person = makePerson(seed);
  return {
    path: `scans/${person.family}_${person.given}_ssn_${person.ssn}.txt`,
    text: 'nothing in here\n',
    values: [{ identifier: 'ssn', text: person.ssn }],
  };
}
