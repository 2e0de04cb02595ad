// The makers of sample values: repeatable, complete, and on no list of published samples.
import { expect, test } from 'vitest';
import { luhnDigit, makePerson } from './person.ts';
import { phiFormats, phiMessage, phiPath, phiSample } from './phi.ts';
import { secretKinds, secretSample } from './secrets.ts';

test.each(phiFormats)('a %s sample carries its values', (format) => {
  const sample = phiSample(format, 7);
  for (const { text } of sample.values) expect(sample.text).toContain(text);
  expect(phiSample(format, 7)).toEqual(sample);
  expect(phiSample(format, 8).text).not.toBe(sample.text);
});

test('messages and paths carry theirs', () => {
  for (const { text } of phiMessage(3).values) expect(phiMessage(3).text).toContain(text);
  for (const { text } of phiPath(3).values) expect(phiPath(3).path).toContain(text);
});

test.each(secretKinds)('a %s sample carries its value', (kind) => {
  const sample = secretSample(kind, 5);
  expect(sample.text).toContain(sample.value);
});

test('persons are valid and not known samples', () => {
  for (let seed = 0; seed < 500; seed += 1) {
    const { ssn, phone, npi, mbi } = makePerson(seed);
    expect(ssn).toMatch(/^[2-6]\d\d-[1-7]\d-\d{4}$/);
    expect(ssn).not.toMatch(/^666|^219-09-9999/);
    expect(phone).not.toMatch(/\) (555|.11)/);
    expect(luhnDigit(`80840${npi.slice(0, 9)}`)).toBe(npi[9]);
    expect(mbi).toMatch(
      /^[1-9][AC-HJKMNP-RT-Y][AC-HJKMNP-RT-Y0-9]\d[AC-HJKMNP-RT-Y][AC-HJKMNP-RT-Y0-9]\d[AC-HJKMNP-RT-Y]{2}\d\d$/,
    );
  }
});

test('the Luhn digit of a published provider number is right', () => {
  expect(luhnDigit('80840123456789')).toBe('3');
});
