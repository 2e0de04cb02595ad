// How sure a credential is that only its name and its look speak for.
import type { DocumentContext } from '../rule.ts';
import type { CredentialKind } from './credential-names.ts';
import { isTestPath, TEST_PATH_CONFIDENCE } from './test-path.ts';

/** Confidence, 0 to 1, of a value that was assigned to a name. */
export function assignmentConfidence(
  kind: CredentialKind,
  name: string,
  value: string,
  quoted: boolean,
  document: DocumentContext,
): number {
  return Math.min(
    byKind(kind, value, quoted),
    isTestPath(document.path) ? TEST_PATH_CONFIDENCE : 1,
    isPublicKey(name, document.extension) ? 0.75 : 1,
    isHash(value) ? 0.5 : 1,
  );
}

function byKind(kind: CredentialKind, value: string, quoted: boolean): number {
  switch (kind) {
    case 'password':
    case 'credential':
      return byLook(value, kind === 'password', quoted);
    case 'key':
      return 0.6;
    // Used once by its definition; found in a recording, it is of no use to anybody.
    case 'nonce':
      return 0.5;
  }
}

/** Long values of several classes of characters are keys; short ones may be anything. */
function byLook(value: string, password: boolean, quoted: boolean): number {
  const classes = [/[a-z]/, /[A-Z]/, /\d/, /[^A-Za-z0-9]/].filter((each) => each.test(value)).length;
  const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value);
  if (uuid) return 0.6;
  if (!/\d/.test(value)) return value.length >= 16 || password ? 0.6 : 0.5;
  if (!/\D/.test(value) || /\s/.test(value)) return 0.5;
  if (value.length >= 20 && classes >= 2) return quoted ? 0.9 : 0.87;
  if (password && value.length >= 10 && classes >= 3) return quoted ? 0.87 : 0.8;
  return value.length >= 10 ? 0.65 : password ? 0.6 : 0.5;
}

/** An API key in a web page is given to every reader of the page. */
function isPublicKey(name: string, extension: string): boolean {
  return /^html?$/.test(extension) && /^(?:api|app|client|access)[_-]?key$/i.test(name);
}

/** Hashes of passwords (modular crypt format, RFC 2307 schemes) let nobody in. */
function isHash(value: string): boolean {
  return /^\$(?:[156]|2[abxy]|argon2\w{1,2}|scrypt|pbkdf2[\w-]{0,12}|y|apr1)\$|^pbkdf2[:_]|^\{S?SHA\d{0,3}\}/i.test(
    value,
  );
}
