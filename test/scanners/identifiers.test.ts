// Numbers with check digits: valid ones beside their label are found, one digit off they are not. Values are made when
// the test runs.
import { describe, expect, test } from 'vitest';
import { createScanner } from '../../scanners/scan.ts';
import { glue, withLuhn } from './values.ts';

const scanner = createScanner({ fingerprintKey: new Uint8Array(32) });

async function rules(path: string, text: string): Promise<readonly string[]> {
  const { findings } = await scanner.scan({ kind: 'file', path }, Buffer.from(text));
  return findings.filter(({ severity }) => severity !== 'low').map(({ rule }) => rule);
}

/** Appends the check digits that a function of the body gives. */
const checked = (body: string, check: (digits: readonly number[]) => string): string =>
  body + check(Array.from(body, Number));
const sum = (digits: readonly number[], weight: (at: number) => number): number =>
  digits.reduce((total, digit, at) => total + digit * weight(at), 0);

const nhs = checked(glue('4857', '73456'), (d) => String((11 - (sum(d, (at) => 10 - at) % 11)) % 11));
const dni = checked(glue('4871', '5523'), (d) => 'TRWAGMYFPDXBNJZSQVHLCKE'.charAt(Number(d.join('')) % 23));
const cpfHead = checked(glue('529', '982247'), (d) => String(((sum(d, (at) => 10 - at) * 10) % 11) % 10));
const cpf = checked(cpfHead, (d) => String(((sum(d, (at) => 11 - at) * 10) % 11) % 10));
const nir = checked(glue('28505', '78006084'), (d) =>
  String(97 - (Number(d.join('')) % 97)).padStart(2, '0'),
);
const aba = checked(glue('0910', '0002'), (d) =>
  String((10 - (sum(d, (at) => [3, 7, 1][at % 3] ?? 0) % 10)) % 10),
);
const gtin = checked(glue('00843', '99600123'), (d) =>
  String((10 - (sum(d, (at) => (at % 2 === 0 ? 3 : 1)) % 10)) % 10),
);
const sin = withLuhn(glue('4532', '7816'));
const imei = withLuhn(glue('356938', '03564380'));

/** Another last character, which no scheme accepts. */
const spoilt = (value: string): string =>
  value.replace(/.$/, (last) =>
    /\d/.test(last) ? String((Number(last) + 1) % 10) : last === 'A' ? 'B' : 'A',
  );

describe('labelled numbers', () => {
  test.each([
    ['phi/national-id', 'NHS number: ', nhs],
    ['phi/national-id', 'Social Insurance Number: ', sin.replace(/(...)(...)/, '$1 $2 ')],
    ['phi/national-id', 'DNI: ', dni],
    ['phi/national-id', 'CPF: ', cpf],
    ['phi/national-id', 'NIR: ', nir],
    ['phi/account', 'Routing number: ', aba],
    ['phi/device', 'IMEI: ', imei],
  ])('%s: %s', async (rule, label, value) => {
    expect(await rules('intake.conf', `${label}${value}\n`)).toContain(rule);
    expect(await rules('intake.conf', `${label}${spoilt(value)}\n`)).not.toContain(rule);
    expect(await rules('intake.conf', `count: ${value}\n`)).not.toContain(rule);
  });

  test('a device identifier with its serial number', async () => {
    const device = `(01)${gtin}(17)270131(10)A213B1(21)1234AB`;
    expect(await rules('implant.txt', `Device: ${device}`)).toContain('phi/device');
    expect(await rules('implant.txt', `Device: (01)${spoilt(gtin)}(21)1234AB`)).not.toContain('phi/device');
    expect(await rules('implant.txt', `Device: (01)${gtin}`)).not.toContain('phi/device');
  });
});

describe('access logs', () => {
  const request = (address: string, path: string) =>
    `${address} - - [10/Oct/2023:13:55:36 -0700] "GET ${path} HTTP/1.1" 200 2326 "-" "Mozilla/5.0"\n`;

  test('the address of a client, and the patient in a path', async () => {
    expect(await rules('access.log', request(glue('93.184.', '216.34'), '/index.html'))).toEqual(['phi/ip']);
    expect(
      await rules('access.log', request(glue('93.184.', '216.34'), `/patients/${glue('4829', '1034')}/labs`)),
    ).toEqual(['phi/ip', 'phi/mrn']);
    expect(await rules('access.log', request('10.0.0.7', '/index.html'))).toEqual([]);
    expect(await rules('server.js', `log('${request(glue('93.184.', '216.34'), '/').trim()}')`)).toEqual([]);
  });
});

test('three digits of a postal code count only where few people live', async () => {
  const table = (zip: string) =>
    `last_name,dob,zip3\nHargrove,${glue('1962-', '03-14')},${zip}\nLindqvist,${glue('1955-', '11-02')},${zip}\n`;
  expect(await rules('people.csv', table('036'))).toContain('phi/address');
  expect(await rules('people.csv', table('902'))).not.toContain('phi/address');
});

test('an age above 89 counts, others do not', async () => {
  const table = (age: string) =>
    `last_name,first_name,dob,age\nHargrove,Eleanor,${glue('1932-', '03-14')},${age}\n`;
  expect(await rules('people.csv', table('93'))).toContain('phi/date');
  expect(await rules('people.csv', table('63'))).not.toContain('phi/date');
});
