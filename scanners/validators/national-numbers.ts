// Check digits of numbers that countries and banks give to persons. Input is text of a file; blanks, dots and dashes
// between digits are ignored, everything else that the scheme does not have fails.
import { luhn } from './check-digits.ts';

const digitsOf = (text: string): string => text.replaceAll(/[\s./-]/g, '');

function weighted(digits: string, weights: readonly number[]): number {
  return weights.reduce((sum, weight, at) => sum + weight * Number(digits[at] ?? 0), 0);
}

const oneDigit = (digits: string): boolean => new Set(digits).size === 1;

/** UK NHS number: ten digits, the last modulo 11 of the others weighted 10 to 2. */
export function isNhsNumber(text: string): boolean {
  const digits = digitsOf(text);
  if (!/^\d{10}$/.test(digits) || oneDigit(digits)) return false;
  const check = 11 - (weighted(digits, [10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11);
  return check !== 10 && check % 11 === Number(digits[9]);
}

/** Canadian social insurance number: nine digits, Luhn, not beginning with 0 or 8. */
export function isSin(text: string): boolean {
  const digits = digitsOf(text);
  return /^[1-79]\d{8}$/.test(digits) && !oneDigit(digits) && luhn(digits);
}

/** Spanish DNI or NIE: the letter is the number modulo 23. */
export function isDni(text: string): boolean {
  const match = /^([XYZ]?)(\d{7,8})([A-Z])$/.exec(digitsOf(text).toUpperCase());
  if (match === null || (match[1] === '') !== (match[2]?.length === 8)) return false;
  const number = Number(`${match[1] === '' ? '' : 'XYZ'.indexOf(match[1] ?? '')}${match[2]}`);
  return 'TRWAGMYFPDXBNJZSQVHLCKE'[number % 23] === match[3];
}

/** Brazilian CPF: eleven digits, the last two modulo 11. */
export function isCpf(text: string): boolean {
  const digits = digitsOf(text);
  if (!/^\d{11}$/.test(digits) || oneDigit(digits)) return false;
  const check = (length: number): number => {
    const weights = Array.from({ length }, (_, at) => length + 1 - at);
    return ((weighted(digits, weights) * 10) % 11) % 10;
  };
  return check(9) === Number(digits[9]) && check(10) === Number(digits[10]);
}

/** French NIR: thirteen characters and a key, 97 less the number modulo 97 (2A and 2B stand for 19 and 18). */
export function isNir(text: string): boolean {
  const compact = digitsOf(text).toUpperCase();
  if (!/^[12378]\d{4}(?:\d{2}|2[AB])\d{6}\d{2}$/.test(compact)) return false;
  const body = compact.slice(0, 13).replace('2A', '19').replace('2B', '18');
  return 97 - (Number(body) % 97) === Number(compact.slice(13));
}

/** US bank routing number (ABA): nine digits weighted 3, 7, 1, of a Federal Reserve district. */
export function isRoutingNumber(text: string): boolean {
  return (
    /^(?:0[1-9]|1[0-2]|2[1-9]|3[0-2]|6[1-9]|7[0-2]|80)\d{7}$/.test(text) &&
    weighted(text, [3, 7, 1, 3, 7, 1, 3, 7, 1]) % 10 === 0
  );
}

/** GTIN-14 of a GS1 unique device identifier: weights 3 and 1, modulo 10. */
export function isGtin14(text: string): boolean {
  return (
    /^\d{14}$/.test(text) &&
    !oneDigit(text) &&
    weighted(text, [3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1]) % 10 === 0
  );
}
