// Literals assigned to names that promise a credential: `password = "…"`, `api_key: …`, `CLIENT_SECRET=…`,
// `--password …`, `IDENTIFIED BY '…'`. Such a hit is unproven: the driver keeps it only if the value reads like a random
// string and not like text.
import { matchesOf } from '../matches.ts';
import type { DocumentContext, PatternRule } from '../rule.ts';
import { assignmentConfidence } from './assignment-confidence.ts';
import {
  isAboutCredential,
  isHarmlessBefore,
  kindOf,
  nameLiterals,
  namePattern,
} from './credential-names.ts';
import { isIdentifier, isPlaceholder } from './placeholders.ts';
import type { CredentialKind } from './credential-names.ts';

/** Between name and value; the last one is the call of a setter. */
const separator =
  `["'\`]?\\]?\\s{0,8}(?::\\s{0,2}(?:string|str|String|&str|char\\*)\\s{0,4})?` +
  `(?:=>|:=|={1,3}|:|,(?=\\s{0,4}["'\`])|\\s(?=["'\`])|\\((?=\\s{0,2}["'\`]))\\s{0,8}|\\\\?["']\\s{0,2}:\\s{0,2}\\\\?`;
/** Conversions around a literal that leave it what it is. */
const conversion = `(?:(?:b|r|u|f|@|\\[\\]byte\\(|new String\\(|Buffer\\.from\\(|createSecretKey\\(|b64decode\\(|base64\\.b64decode\\(|bytes\\.fromhex\\(|hex\\.DecodeString\\(|SecretStr\\(){1,2}(?=["'\`]))?`;
const value = `(?:\\\\?(["'\`])([^"'\`\\\\\\r\\n]{6,240})\\\\?\\3|([^\\s"'\`,;<>{}()[\\]\\\\&]{6,240})(?=[\\s,;&"'\`})\\]]|$))`;
const assigned = new RegExp(
  `(${namePattern})(\\w{0,24}(?:[.-]\\w{1,16}){0,2})(?:${separator})${conversion}${value}`,
  'gi',
);
/** Options of commands and clauses of SQL. */
const told =
  /(?:--(?:password|passwd|pwd|pass|passphrase)[ =]|\bidentified\s(?:with\s[\w"'`]{1,40}\s)?(?:by|as)\s)["']?([^\s"'`<>;,)]{6,200})/gi;

export const assignmentRule: PatternRule = {
  literals: nameLiterals,
  find(line, emit) {
    const { document, text } = line;
    if (document.binary || document.kind === 'names') return;
    for (const match of matchesOf(assigned, text)) {
      const [whole, name = '', rest = '', , quoted, bare] = match;
      const found = quoted ?? bare ?? '';
      const kind = kindOf(name);
      if (quoted === undefined && isCode(document) && !isInQuery(text, match.index, whole, found)) continue;
      if (isAboutCredential(kind, rest)) continue;
      if (isHarmlessBefore(kind, text.slice(Math.max(0, match.index - 16), match.index))) continue;
      if (!isCandidate(kind, found, quoted !== undefined, document)) continue;
      const end = line.start + match.index + whole.length - (quoted === undefined ? 0 : closing(whole));
      const confidence = assignmentConfidence(kind, name, found, quoted !== undefined, document);
      const rule = kind === 'password' ? 'secret/password' : 'secret/generic';
      emit({ rule, start: end - found.length, end, confidence, unproven: true });
    }
    for (const match of matchesOf(told, text)) {
      const found = match[1] ?? '';
      if (!isCandidate('password', found, false, document)) continue;
      const end = line.start + match.index + match[0].length;
      const confidence = assignmentConfidence('password', 'password', found, false, document);
      emit({ rule: 'secret/password', start: end - found.length, end, confidence, unproven: true });
    }
  },
};

function closing(match: string): number {
  return /\\["'`]$/.test(match) ? 2 : 1;
}

/** In program source a bare word is a name, and a name is no credential; commands and settings have bare values. */
function isCode(document: DocumentContext): boolean {
  return document.source && !/^(?:sh|bash|zsh|fish|ps1|bat|cmd|tf|hcl|html?)$/.test(document.extension);
}

/** A parameter inside of a literal: `"…?token=…"`, `&secret=…&`. */
function isInQuery(text: string, at: number, match: string, found: string): boolean {
  const before = /[?&"'][\w-]{0,24}$/.test(text.slice(Math.max(0, at - 26), at));
  const after = /[&"'`]/.test(text.charAt(at + match.length));
  return before && after && match.endsWith(`=${found}`) && found.length >= 16 && /\d/.test(found);
}

/** True for values that could be a credential of this kind, before anybody asks whether they read like words. */
function isCandidate(
  kind: CredentialKind,
  found: string,
  quoted: boolean,
  document: DocumentContext,
): boolean {
  if (/\s/.test(found) && (kind !== 'password' || document.source || found.length > 40)) return false;
  if (isLongNumber(kind, found)) return true;
  if (isPlaceholder(found)) return kind === 'password' && isForeign(found);
  if (isIdentifier(found) && !mayBeRandom(kind, found)) return false;
  switch (kind) {
    case 'password':
      return true;
    case 'credential':
      return (
        found.length >= (/\d/.test(found) && /[A-Za-z]/.test(found) && quoted ? 8 : 12) ||
        /^\w*\d\w*$/.test(found)
      );
    case 'nonce':
      return found.length >= 12 && /\d/.test(found) && !/[./]/.test(found);
    case 'key':
      return isStrongKey(found);
  }
}

/** Letters only, in one case, may be words or not: the vocabulary decides. */
function mayBeRandom(kind: CredentialKind, found: string): boolean {
  if (kind === 'password') return /^(?:[a-z]{6,}|[a-z]{2,}[-_][a-z]{2,})$/.test(found);
  return kind === 'credential' && /^[a-z]{20,}$/.test(found);
}

/** Bits of a key: base64, base32 or hex of 128 bits and more. */
function isStrongKey(found: string): boolean {
  if (/^[A-Z2-7]{52,}$/.test(found) || /^[0-9a-f]{32,}$/i.test(found)) return /\d/.test(found);
  return (
    /^[\w+/-]{24,}={0,2}$/.test(found) &&
    /\d/.test(found) &&
    /[A-Z]/.test(found) &&
    /[a-z]/.test(found) &&
    !/[_-][a-z]{3,}[_-]/.test(found)
  );
}

function isLongNumber(kind: CredentialKind, found: string): boolean {
  return (
    kind === 'credential' &&
    /^\d{28,80}$/.test(found) &&
    new Set(found).size >= 8 &&
    !/01234|12345|(\d)\1{4}/.test(found)
  );
}

/** Letters beyond ASCII in a password that is one for sure. */
function isForeign(found: string): boolean {
  return (
    /[\x80-\xff]/.test(found) &&
    [/[a-z]/, /[A-Z]/, /\d/, /[!-/:-@[-`{-~]/].every((each) => each.test(found)) &&
    !isPlaceholder(found.replaceAll(/[\x80-\xff]/g, ''))
  );
}
