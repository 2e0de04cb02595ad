// From strangers and signatures of commits and tags to what is blamed on them: who may vouch for whom. Pure.
import type { SignatureState } from '../../core/operation.ts';
import type { AuthorJudge, KeyHolder } from '../../core/policy/authors.ts';
import type { NotedStranger } from './author-notes.ts';
import { type LocatedFinding, policyFinding } from './located-finding.ts';
import type { VerifiedSignature } from './signatures.ts';

export interface Signature extends VerifiedSignature {
  readonly holder: KeyHolder;
}

/** A right signature counts as far as its key does. */
export function judged(verified: VerifiedSignature, judge: AuthorJudge, now: Date): Signature {
  const holder = judge.holder(verified.fingerprint, now);
  if (verified.state !== 'good') return { ...verified, holder };
  const state = holder.kind === 'unknown' || holder.kind === 'expired' ? holder.kind : 'good';
  return { ...verified, state, holder };
}

/** One that an object bears; what git cannot read is none that is known. */
export function judgedBorne(verified: VerifiedSignature, judge: AuthorJudge, now: Date): Signature {
  const state: SignatureState = verified.state === 'none' ? 'unknown' : verified.state;
  return judged({ ...verified, state }, judge, now);
}

export interface Suspect {
  /** As in the notes. */
  readonly object: number;
  readonly rule: 'policy/author-mismatch' | 'policy/forged-trailer' | 'policy/bad-signature';
  readonly address: string;
  readonly masked: string;
  readonly message: string;
}

export interface SuspectRules {
  /** False where the policy compares nobody; a bad signature counts all the same. */
  readonly compares: boolean;
  readonly acceptSigned: boolean;
}

/** Everybody who may not be named, and every signature that is not what it should be. */
export function suspectsOf(
  rules: SuspectRules,
  named: readonly NotedStranger[],
  signed: ReadonlyMap<number, Signature>,
): readonly Suspect[] {
  const strangers = Map.groupBy(named, ({ object }) => object);
  const suspects: Suspect[] = [];
  for (const [object, own] of strangers) {
    const signature = signed.get(object);
    if (signature === undefined || !vouches(rules, signature, own)) suspects.push(...own);
  }
  for (const [object, signature] of signed) {
    const { state, holder } = signature;
    if (state === 'bad') suspects.push({ object, ...badSignature });
    if (!rules.compares || state !== 'good' || holder.kind !== 'other') continue;
    if (!vouches(rules, signature, strangers.get(object) ?? []))
      suspects.push({ object, ...strangeSignature(holder.signer) });
  }
  return suspects;
}

/** A forge's signature stands for whoever it names; somebody else's for his own commits, where the policy says so. */
function vouches(
  { acceptSigned }: SuspectRules,
  { state, holder }: Signature,
  named: readonly { readonly address: string }[],
): boolean {
  if (state !== 'good') return false;
  if (holder.kind === 'forge') return true;
  if (holder.kind !== 'other' || !acceptSigned || named.length === 0) return false;
  return named.every(({ address }) => holder.covers(address));
}

const badSignature = {
  rule: 'policy/bad-signature',
  address: '',
  masked: '',
  message:
    'The signature is not one of this commit or tag: it was changed after it was signed. Sign it again: git commit --amend --no-edit -S',
} as const;

function strangeSignature(signer: string) {
  return {
    rule: 'policy/author-mismatch',
    address: '',
    masked: '',
    message: `The signature is made with the key of ${signer}, which belongs neither to the one who pushes nor to one for whom it acts.`,
  } as const;
}

/** Addresses of those who may not be named, each once. */
export function foreignAddresses(suspects: readonly Suspect[]): readonly string[] {
  const foreign = suspects.filter(({ rule }) => rule === 'policy/author-mismatch');
  return [...new Set(foreign.map(({ address }) => (address === '' ? 'unknown' : address)))];
}

/** What is told of one; `person` is the line that names people where it is no trailer. */
export function suspectFinding<Line extends LocatedFinding['place']>(
  actor: string,
  { rule, address, message, masked }: Suspect,
  person: Line,
): Pick<LocatedFinding, 'finding'> & { readonly place: Line | 'commit message' } {
  const place = rule === 'policy/forged-trailer' ? 'commit message' : person;
  const what = `${actor}\0${address}`;
  return { finding: { ...policyFinding(rule, 'high', place, message, what), masked }, place };
}
