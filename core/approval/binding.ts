// What an approval covers: these bytes, to these refs of this repository, under this policy, by this actor, and nothing
// else. Two operations are the same operation exactly where their digests are equal.
import { hash } from 'node:crypto';
import canonicalize from 'canonicalize';
import type { Finding } from '../../scanners/finding.ts';
import type { Oid } from '../oid.ts';
import type { OperationKind } from '../operation.ts';
import type { Principal } from '../principal.ts';

export interface BoundRefUpdate {
  /** The ref's own name; one that would have to be masked must not be held. */
  readonly ref: string;
  readonly oldOid: Oid;
  readonly newOid: Oid;
}

export interface ApprovalBinding {
  readonly kind: OperationKind;
  /** `<forge>/<owner>/…/<repo>` without `.git`. */
  readonly repository: string;
  readonly refUpdates: readonly BoundRefUpdate[];
  /** SHA-256 over the sorted ids of all objects that were sent, hex; empty where none were. */
  readonly objectSetDigest: string;
  /** As `findingsDigest` makes it. */
  readonly findingsDigest: string;
  /** SHA-256 of the policy's text that held the operation, hex. */
  readonly policyDigest: string;
  /** Digest of the scanner rules that made the findings. */
  readonly catalogDigest: string;
  readonly actor: Principal;
  /** Who answers for the actor's credential, a principal id; null where nobody is named. */
  readonly owner: string | null;
}

function sha256(value: unknown): string {
  return hash('sha256', canonicalize(value) ?? '', 'hex');
}

/** SHA-256 over findings, in any order, hex. Holds no values: a finding has none. */
export function findingsDigest(findings: readonly Finding[]): string {
  const told = findings.map(({ rule, fingerprint, path, line, column, severity, confidence }) =>
    JSON.stringify([rule, fingerprint, path, line, column, severity, confidence]),
  );
  return sha256(told.toSorted());
}

/**
 * SHA-256 over everything that is bound, hex; ref updates in any order. Of the actor it covers who it is and for whom it
 * acts, and not by which of its tokens that was shown: a token is renewed while a request waits.
 */
export function bindingDigest(binding: ApprovalBinding): string {
  const { actor, refUpdates, ...rest } = binding;
  const { kind, id, issuer, onBehalfOf } = actor;
  return sha256({
    ...rest,
    refUpdates: refUpdates
      .map(({ ref, oldOid, newOid }) => ({ ref, oldOid, newOid }))
      .toSorted((a, b) => (a.ref < b.ref ? -1 : 1)),
    actor: { kind, id, issuer, onBehalfOf },
  });
}
