// Who made what a push brings, against who pushes it: people, trailers and signatures of new commits and tags. What a
// branch or tag of the upstream reaches already is not new, whoever made it.
import { GuardError } from '../../core/errors.ts';
import { type Oid, isZero } from '../../core/oid.ts';
import { type RefUpdate, type SignatureState, signatureStates } from '../../core/operation.ts';
import type { AuthorJudge, KeyHolder } from '../../core/policy/authors.ts';
import type { AuthorNotes } from './author-notes.ts';
import type { Inspection } from './inspect.ts';
import { type LocatedFinding, policyFinding } from './located-finding.ts';
import { walkPack } from './pack-walk.ts';
import type { ChangeContext } from './ref-changes.ts';
import type { SignatureVerifier, VerifiedSignature } from './signatures.ts';

export interface Authorship {
  readonly findings: readonly LocatedFinding[];
  /** Addresses of those who may not be named. */
  readonly foreignAuthors: readonly string[];
  /** Every state that occurs; undefined where signatures were not looked at. */
  readonly signatures: readonly SignatureState[] | undefined;
}

export interface AuthorshipQuestion {
  readonly judge: AuthorJudge;
  readonly verifier: SignatureVerifier;
  /** True where keys are configured. */
  readonly hasSigners: boolean;
  /** False where the policy compares nobody; a bad signature counts all the same. */
  readonly compares: boolean;
  readonly acceptSigned: boolean;
  /** Ref updates about whose signatures the policy asks. */
  readonly askedUpdates: readonly RefUpdate[];
  readonly actor: string;
  readonly now: Date;
  /** Undefined where the push brings no objects. */
  readonly pushed: PushedNotes | undefined;
  readonly context: ChangeContext;
}

export interface PushedNotes {
  readonly notes: AuthorNotes;
  readonly inspection: Inspection;
  /** The quarantine, for Git. */
  readonly directory: string;
  readonly environment: Readonly<Record<string, string>>;
}

const noSignatures: ReadonlyMap<number, Signature> = new Map();
const nothing: Authorship = { findings: [], foreignAuthors: [], signatures: undefined };

/** Rejects with the errors of the upstream where it must be asked. */
export async function checkAuthorship(question: AuthorshipQuestion): Promise<Authorship> {
  const { pushed, hasSigners, askedUpdates } = question;
  const asksStates = askedUpdates.length > 0;
  const verifies = hasSigners || asksStates;
  if (pushed === undefined && !asksStates) return nothing;
  if (pushed !== undefined && !verifies && pushed.notes.strangers.length === 0) return nothing;
  const signed = pushed === undefined || !verifies ? noSignatures : await verifyPushed(question, pushed);
  const suspects = pushed === undefined ? [] : suspectsOf(question, pushed, signed);
  const unproven =
    pushed === undefined || !asksStates
      ? []
      : [
          ...listOf(pushed.notes.unsigned).map((object) => ({ object, state: 'none' as const })),
          ...[...signed].flatMap(([object, { state }]) => (state === 'good' ? [] : [{ object, state }])),
        ];
  const isNew =
    pushed === undefined
      ? () => true
      : await newOnes(
          question,
          pushed,
          [...suspects, ...unproven].map(({ object }) => object),
        );
  const blamed = suspects.filter(({ object }) => isNew(object));
  const states = new Set<SignatureState>(
    unproven.filter(({ object }) => isNew(object)).map(({ state }) => state),
  );
  if ([...signed.values()].some(({ state }) => state === 'good')) states.add('good');
  if (asksStates) for (const state of await statesOutsideOfPack(question)) states.add(state);
  return {
    findings: pushed === undefined ? [] : blamed.map((suspect) => locate(question, pushed, suspect)),
    foreignAuthors: [
      ...new Set(
        blamed
          .filter(({ rule }) => rule === 'policy/author-mismatch')
          .map(({ address }) => (address === '' ? 'unknown' : address)),
      ),
    ],
    signatures: verifies ? signatureStates.filter((state) => states.has(state)) : undefined,
  };
}

interface Signature extends VerifiedSignature {
  readonly holder: KeyHolder;
}

async function verifyPushed(
  { verifier, judge, now, context }: AuthorshipQuestion,
  { notes, inspection, directory, environment }: PushedNotes,
): Promise<ReadonlyMap<number, Signature>> {
  const { index, commits } = inspection.graph;
  const objects = listOf(notes.signed);
  if (objects.length === 0) return new Map();
  const places = new Map(objects.map((object) => [index.oid(object), object]));
  const oids = [...places.keys()];
  const found = await verifier.verify(
    {
      directory,
      environment,
      commits: oids.filter((oid) => commits.has(places.get(oid) ?? -1)),
      tags: oids.filter((oid) => !commits.has(places.get(oid) ?? -1)),
    },
    context.signal,
  );
  return new Map(
    [...found].map(([oid, verified]) => {
      // It bears a signature; one that git cannot read is none that is known.
      const state = verified.state === 'none' ? 'unknown' : verified.state;
      return [places.get(oid) ?? -1, judged({ ...verified, state }, judge, now)];
    }),
  );
}

/** A right signature counts as far as its key does. */
function judged(verified: VerifiedSignature, judge: AuthorJudge, now: Date): Signature {
  const holder = judge.holder(verified.fingerprint, now);
  if (verified.state !== 'good') return { ...verified, holder };
  const state = holder.kind === 'unknown' || holder.kind === 'expired' ? holder.kind : 'good';
  return { ...verified, state, holder };
}

interface Suspect {
  readonly object: number;
  readonly rule: 'policy/author-mismatch' | 'policy/forged-trailer' | 'policy/bad-signature';
  readonly address: string;
  readonly masked: string;
  readonly message: string;
}

function suspectsOf(
  question: AuthorshipQuestion,
  { notes }: PushedNotes,
  signed: ReadonlyMap<number, Signature>,
): readonly Suspect[] {
  const strangers = Map.groupBy(notes.strangers, ({ object }) => object);
  const suspects: Suspect[] = [];
  for (const [object, named] of strangers) {
    const signature = signed.get(object);
    if (signature === undefined || !vouches(question, signature, named)) suspects.push(...named);
  }
  for (const [object, signature] of signed) {
    const { state, holder } = signature;
    if (state === 'bad') suspects.push({ object, ...badSignature });
    if (!question.compares || state !== 'good' || holder.kind !== 'other') continue;
    if (!vouches(question, signature, strangers.get(object) ?? []))
      suspects.push({ object, ...strangeSignature(holder.signer) });
  }
  return suspects;
}

/** A forge's signature stands for whoever it names; somebody else's for his own commits, where the policy says so. */
function vouches(
  { acceptSigned }: AuthorshipQuestion,
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

function locate(
  { actor }: AuthorshipQuestion,
  { inspection: { graph } }: PushedNotes,
  { object, rule, address, message, masked }: Suspect,
): LocatedFinding {
  const isCommit = graph.commits.has(object);
  const place =
    rule === 'policy/forged-trailer' ? 'commit message' : isCommit ? 'author line' : 'tagger line';
  const what = `${actor}\0${address}`;
  return {
    finding: { ...policyFinding(rule, 'high', place, message, what), masked },
    place,
    commit: graph.index.oid(object),
    ref: graph.introduction(object).ref,
  };
}

const mostAsked = 50_000;
const mostTips = 500;
const historyMs = 60_000;
const mostOutside = 2_000;

/** Tells which of these objects no branch or tag of the upstream reaches. Where that cannot be told, all are new. */
async function newOnes(
  { context }: AuthorshipQuestion,
  { notes, inspection }: PushedNotes,
  objects: readonly number[],
): Promise<(object: number) => boolean> {
  if (objects.length === 0 || notes.overflowed || objects.length > mostAsked) return () => true;
  const { index, commits } = inspection.graph;
  const refs = (await context.refs('now')).filter(({ name }) => /^refs\/(heads|tags)\//.test(name));
  if (refs.length === 0) return () => true;
  const advertised = new Set(refs.map(({ oid }) => oid));
  const tips = [
    ...new Set(
      refs
        .toSorted(
          (a, b) => Number(b.name === context.defaultBranch) - Number(a.name === context.defaultBranch),
        )
        .map(({ oid }) => oid),
    ),
  ].slice(0, mostTips);
  const asked = [...new Set(objects)]
    .filter((object) => commits.has(object))
    .map((object) => index.oid(object));
  const signal = AbortSignal.any([context.signal, AbortSignal.timeout(historyMs)]);
  const reached = await context.history
    .allReached({ remote: context.remote, tips, signal }, asked)
    .catch((thrown: unknown): readonly Oid[] => {
      if (context.signal.aborted || !(thrown instanceof GuardError)) throw thrown;
      return [];
    });
  const old = new Set<Oid>([...advertised, ...reached]);
  return (object) => !old.has(index.oid(object));
}

/** Commits that the upstream has on other refs, and that an update puts on one whose signatures are asked about. */
async function statesOutsideOfPack(question: AuthorshipQuestion): Promise<ReadonlySet<SignatureState>> {
  const { askedUpdates, context, verifier, judge, now } = question;
  const states = new Set<SignatureState>();
  for (const update of askedUpdates) {
    if (isZero(update.newOid)) continue;
    const tip = (await context.refs('remembered')).find(({ name }) => name === context.defaultBranch)?.oid;
    const base = [...(isZero(update.oldOid) ? [] : [update.oldOid]), ...(tip === undefined ? [] : [tip])];
    const brought = walkPack(update.newOid, context.graph).boundary.filter((oid) => !base.includes(oid));
    if (brought.length === 0 || base.length === 0) continue;
    const commits = await context.history.commitsBetween(
      { remote: context.remote, tips: brought, signal: context.signal },
      base,
      mostOutside + 1,
    );
    if (commits.length > mostOutside) states.add('unknown');
    const objects = { ...context.history.commits, commits: commits.slice(0, mostOutside), tags: [] };
    const verified = await verifier.verify(objects, context.signal);
    for (const each of verified.values()) states.add(judged(each, judge, now).state);
  }
  return states;
}

function listOf(array: { readonly length: number; at(index: number): number }): readonly number[] {
  return Array.from({ length: array.length }, (_, index) => array.at(index));
}
