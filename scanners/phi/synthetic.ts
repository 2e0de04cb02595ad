// Values that are known to be invented: published examples, reserved ranges and the names every example uses.
// Each answer is a reason to show; an unknown value has none. A reason never excuses the value beside it.

/** Reserved domains (RFC 2606, RFC 6761) and addresses that belong to nobody. */
export function syntheticEmail(address: string): string | undefined {
  const domain = address.slice(address.lastIndexOf('@') + 1).toLowerCase();
  if (/(?:^|\.)example\.(?:com|org|net|edu)$|\.(?:test|example|invalid|localhost)$/.test(domain))
    return 'a domain reserved for examples';
  return /^(?:no-?reply|do-?not-?reply|postmaster|webmaster)@/i.test(address)
    ? 'an address of no person'
    : undefined;
}

/** 555-0100 to 555-0199 are kept for fiction; Synthea gives every phone the exchange or area 555. */
export function syntheticPhone(digits: string): string | undefined {
  const national = digits.length === 11 && digits.startsWith('1') ? digits.slice(1) : digits;
  if (/^(?:\d{3})?55501\d\d$/.test(national)) return 'a number kept for fiction (555-01xx)';
  if (/^(?:555\d{7}|\d{3}555\d{4}|555\d{4})$/.test(national))
    return 'an exchange or area that is not in service (555)';
  return repeated(national) ? 'repeated or counted digits' : undefined;
}

const placeholderNames =
  /^(?:j(?:ohn|ane|oe)\W{1,3}(?:q\W{1,3})?doe|doe\W{1,3}j(?:ohn|ane|oe)|(?:doe|roe)|(?:test|dummy|sample|fake|mock|demo|example)(?:\W{1,3}(?:patient|person|user|name|subject|test|\w))?|(?:patient|person|user)\W{1,3}(?:test|one|two|zero|a|b|x|\d{1,4})|max\W{1,3}mustermann|mustermann(?:\W{1,3}max)?|erika\W{1,3}mustermann|foo\W{1,3}bar|anonym(?:ous|ized)?|everyman(?:\W{1,3}adam)?|adam\W{1,3}everyman)$/i;

/** Placeholder persons. */
export function syntheticName(name: string): string | undefined {
  if (placeholderNames.test(name.trim())) return 'the name of a placeholder person';
  return undefined;
}

/** Synthea appends digits to every name it makes. Counts only where the document shows other signs of Synthea. */
export function isSyntheaName(name: string): boolean {
  return /^[A-Z][a-z'\x80-\xff]{1,30}\d{1,4}$/.test(name);
}

/** Numbers that a person types when they need any number. */
export function syntheticNumber(text: string): string | undefined {
  const digits = text.replaceAll(/\D/g, '');
  return digits.length >= 4 && repeated(digits) ? 'repeated or counted digits' : undefined;
}

function repeated(digits: string): boolean {
  if (/^(\d)\1+$/.test(digits)) return true;
  const counted = '012345678901234567890';
  const falling = '098765432109876543210';
  return (
    digits.length >= 4 &&
    (counted.includes(digits) ||
      falling.includes(digits) ||
      /^(?:0{3,}\d{1,2}|1{2,}2{2,}3{2,}\d*)$/.test(digits))
  );
}

/** Days that are written where any day would do. */
export function syntheticDate(text: string): string | undefined {
  return /^(?:1970|1900|2000|1980|1990)[-/]?0?1[-/]?0?1\b|^0?1\/0?1\/(?:1970|1900|2000|1980|1990)$/.test(text)
    ? 'the first day of a round year'
    : undefined;
}

const testCards = new Set(
  (
    '4111111111111111 4242424242424242 4012888888881881 4000056655665556 5555555555554444 5105105105105100 ' +
    '2223003122003222 5200828282828210 378282246310005 371449635398431 378734493671000 6011111111111117 ' +
    '6011000990139424 30569309025904 38520000023237 3530111333300000 3566002020360505 4222222222222 4000000000000002'
  ).split(' '),
);

/** Card numbers that payment companies publish for tests. */
export function syntheticCard(digits: string): string | undefined {
  return testCards.has(digits) || /(\d)\1{7}/.test(digits) ? 'a card number published for tests' : undefined;
}

/** IPv4 addresses of private, local, reserved and documentation networks (RFC 1918, RFC 5737, RFC 3927). */
export function isReservedAddress(address: string): boolean {
  return /^(?:0|10|127|192\.168|172\.(?:1[6-9]|2\d|3[01])|192\.0\.2|198\.51\.100|203\.0\.113|169\.254|25[0-5])\./.test(
    address,
  );
}
