// Check digits of published numbering schemes. Input is text of a file; everything but the scheme's characters fails.

/** Luhn (ISO/IEC 7812-1 annex B) over ASCII digits. */
export function luhn(digits: string): boolean {
  let sum = 0;
  for (let at = digits.length - 1, twice = false; at >= 0; at--, twice = !twice) {
    const digit = digits.charCodeAt(at) - 48;
    if (digit < 0 || digit > 9) return false;
    const value = twice ? digit * 2 : digit;
    sum += value > 9 ? value - 9 : value;
  }
  return digits.length > 1 && sum % 10 === 0;
}

/** National provider identifier: ten digits, 1 or 2 first, Luhn behind the issuer prefix 80840. */
export function isNpi(digits: string): boolean {
  return /^[12]\d{9}$/.test(digits) && luhn(`80840${digits}`);
}

/** DEA registration number: two letters (or letter and 9), seven digits, the last a weighted sum. */
export function isDea(text: string): boolean {
  if (!/^[ABCDEFGHJKLMPRSTUX][A-Z9]\d{7}$/.test(text)) return false;
  const d = Array.from(text.slice(2), Number);
  const odd = (d[0] ?? 0) + (d[2] ?? 0) + (d[4] ?? 0);
  const even = (d[1] ?? 0) + (d[3] ?? 0) + (d[5] ?? 0);
  return (odd + 2 * even) % 10 === d[6];
}

/** Medicare beneficiary identifier: CMS format, dashes ignored; letters without S L O I B Z. */
export function isMbi(text: string): boolean {
  return /^[1-9][AC-HJKMNP-RT-Y][0-9AC-HJKMNP-RT-Y]\d[AC-HJKMNP-RT-Y][0-9AC-HJKMNP-RT-Y]\d[AC-HJKMNP-RT-Y]{2}\d{2}$/.test(
    text.replaceAll('-', ''),
  );
}

const vinValues: Readonly<Record<string, number>> = {
  ...{ A: 1, B: 2, C: 3, D: 4, E: 5, F: 6, G: 7, H: 8, J: 1, K: 2, L: 3, M: 4, N: 5, P: 7, R: 9 },
  ...{ S: 2, T: 3, U: 4, V: 5, W: 6, X: 7, Y: 8, Z: 9 },
};
const vinWeights = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];

/** Vehicle identification number with its check digit (49 CFR 565.15). */
export function isVin(text: string): boolean {
  if (!/^[A-HJ-NPR-Z0-9]{17}$/.test(text) || new Set(text).size < 5) return false;
  const sum = Array.from(text).reduce(
    (total, char, at) => total + (vinValues[char] ?? Number(char)) * (vinWeights[at] ?? 0),
    0,
  );
  return text[8] === (sum % 11 === 10 ? 'X' : String(sum % 11));
}

/** IBAN (ISO 13616): country, check digits, account; remainder 1 modulo 97. Spaces are ignored. */
export function isIban(text: string): boolean {
  const compact = text.replaceAll(' ', '');
  if (!/^[A-Z]{2}\d{2}[A-Z0-9]{11,30}$/.test(compact)) return false;
  let remainder = 0;
  for (const char of compact.slice(4) + compact.slice(0, 4)) {
    const value = Number.parseInt(char, 36);
    remainder = (remainder * (value > 9 ? 100 : 10) + value) % 97;
  }
  return remainder === 1;
}

/** Payment card: 13 to 19 digits of a known issuer range with a Luhn check digit. */
export function isCard(digits: string): boolean {
  return (
    /^(?:4\d{12}(?:\d{3}){0,2}|5[1-5]\d{14}|2[2-7]\d{14}|3[47]\d{13}|6(?:011|5\d\d)\d{12}|3(?:0[0-5]|[68]\d)\d{11}|35\d{14})$/.test(
      digits,
    ) &&
    new Set(digits).size > 1 &&
    luhn(digits)
  );
}
