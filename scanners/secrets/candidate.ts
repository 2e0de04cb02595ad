// Whether a value that stands where a credential would stand can be one, before anybody asks how random it is.
import type { DocumentContext, Hit } from '../rule.ts';
import { assignmentConfidence } from './assignment-confidence.ts';
import type { CredentialKind } from './credential-names.ts';
import { isIdentifier, isPlaceholder } from './placeholders.ts';

export interface Candidate {
  readonly kind: CredentialKind;
  /** Full name of what the value belongs to. */
  readonly name: string;
  readonly value: string;
  /** Offset of the value in the view. */
  readonly start: number;
  readonly quoted: boolean;
}

/** Characters of the shortest value that can be a credential of each kind. */
export const leastLength: Readonly<Record<CredentialKind, number>> = {
  password: 1,
  credential: 1,
  nonce: 12,
  key: 24,
};

/** Reports a candidate, unproven, if it can be a credential. */
export function emitCandidate(
  document: DocumentContext,
  { kind, name, value, start, quoted }: Candidate,
  emit: (hit: Hit) => void,
): void {
  if (!isCandidate(kind, value, quoted, document)) return;
  const sureness = assignmentConfidence(kind, name, value, quoted, document);
  const rule = kind === 'password' ? 'secret/password' : 'secret/generic';
  const hit = { rule, start, end: start + value.length, ...sureness } as const;
  // No vocabulary tells random digits from others.
  emit(isLongNumber(kind, value) ? hit : { ...hit, unproven: true });
}

/** True for values that could be a credential of this kind, before anybody asks whether they read like words. */
function isCandidate(
  kind: CredentialKind,
  found: string,
  quoted: boolean,
  document: DocumentContext,
): boolean {
  if (found.length < leastLength[kind]) return false;
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

/** Digits of a number that is too long for any count and follows no pattern. */
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
