// How sure a credential is that only its name and its look speak for.
import type { DocumentContext } from '../rule.ts';
import type { CredentialKind } from './credential-names.ts';
import { isTestPath, TEST_PATH_CONFIDENCE } from './test-path.ts';

/** How sure an assigned value is: as it stands, and where it proves to be random. */
export interface Sureness {
  readonly confidence: number;
  readonly ifRandom: number;
}

/** Sureness of a value that was assigned to a name; `specific` names say which service the value opens. */
export function assignmentConfidence(
  kind: CredentialKind,
  name: string,
  value: string,
  quoted: boolean,
  document: DocumentContext,
): Sureness {
  const most = Math.min(
    isTestPath(document.path) && !isMixed(value) ? TEST_PATH_CONFIDENCE : 1,
    isPublicKey(name, document.extension) ? 0.75 : 1,
    isHash(value) ? 0.5 : 1,
  );
  const asIs = byKind(kind, name, value, quoted);
  const random = kind === 'password' || kind === 'credential' ? ifRandom(value) : asIs;
  return { confidence: Math.min(asIs, most), ifRandom: Math.min(Math.max(asIs, random), most) };
}

function byKind(kind: CredentialKind, name: string, value: string, quoted: boolean): number {
  switch (kind) {
    case 'password':
    case 'credential':
      return byLook(value, name, kind === 'password', quoted);
    case 'key':
      return 0.6;
    // Used once by its definition; found in a recording, it is of no use to anybody.
    case 'nonce':
      return 0.5;
  }
}

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Long values of several classes of characters are keys; short ones may be anything. */
function byLook(value: string, name: string, password: boolean, quoted: boolean): number {
  const classes = classesOf(value);
  if (uuid.test(value)) return isSpecific(name) ? 0.86 : 0.6;
  if (!/\d/.test(value)) return value.length >= 16 || password ? 0.6 : 0.5;
  if (!/\D/.test(value) || /\s/.test(value)) return 0.5;
  if (value.length >= 20 && classes >= 2) return quoted ? 0.9 : 0.87;
  if (password && value.length >= 8 && classes >= 3) return 0.86;
  return value.length >= 10 ? 0.65 : password ? 0.6 : 0.5;
}

/** Words and numbers parted by signs, as in names: `edge_ngram_2_20`. */
const parted = /^[a-z]+(?:[_.-](?:[a-z]+|\d+))+$/i;

/** What a value scores that no language would have: letters and digits in one case are then a key, too. */
function ifRandom(value: string): number {
  if (/\s/.test(value) || uuid.test(value) || parted.test(value)) return 0;
  return value.length >= (classesOf(value) >= 2 ? 10 : 12) ? 0.87 : 0;
}

function classesOf(value: string): number {
  return [/[a-z]/, /[A-Z]/, /\d/, /[^A-Za-z0-9]/].filter((each) => each.test(value)).length;
}

/** Letters in both cases, digits or signs, as a word of a sentence never has them together. */
export function looksLikePassword(value: string): boolean {
  return value.length >= 8 && /\d/.test(value) && classesOf(value) >= 3 && !/^[\d.,:/-]+\D{0,3}$/.test(value);
}

/** Letters of both cases and digits, long: unlike hex, this is the digest of no file. */
function isMixed(value: string): boolean {
  return value.length >= 24 && [/[a-z]/, /[A-Z]/, /\d/].every((each) => each.test(value));
}

/** A name that says what the value opens; `token` alone may be a mark of anything. */
function isSpecific(name: string): boolean {
  return /(?:api|access|auth|client|service|deploy|account)[_-]?(?:key|token|secret)|(?:npm|ci|codecov|heroku|refresh|bearer)[_-]?token/i.test(
    name,
  );
}

/** An API key in a web page is given to every reader of the page. */
function isPublicKey(name: string, extension: string): boolean {
  return /^html?$/.test(extension) && /(?:^|[^a-z])(?:api|app|client|access)[_-]?key$/i.test(name);
}

/** Hashes of passwords (modular crypt format, RFC 2307 schemes) let nobody in. */
function isHash(value: string): boolean {
  return /^\$(?:[156]|2[abxy]|argon2\w{1,2}|scrypt|pbkdf2[\w-]{0,12}|y|apr1)\$|^pbkdf2[:_]|^\{S?SHA\d{0,3}\}/i.test(
    value,
  );
}
