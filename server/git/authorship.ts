// Who made what a push brings, against who pushes it: people, trailers and signatures of new commits and tags. What a
// branch or tag of the upstream reaches already is not new, whoever made it.
import { GuardError } from '../../core/errors.ts';
import { type Oid, isZero } from '../../core/oid.ts';
import { type RefUpdate, type SignatureState, signatureStates } from '../../core/operation.ts';
import type { AuthorJudge } from '../../core/policy/authors.ts';
import type { AuthorNotes } from './author-notes.ts';
import {
  foreignAddresses,
  judged,
  judgedBorne,
  type Signature,
  type Suspect,
  suspectFinding,
  suspectsOf,
} from './author-suspects.ts';
import type { Inspection } from './inspect.ts';
import type { LocatedFinding } from './located-finding.ts';
import { walkPack } from './pack-walk.ts';
import type { ChangeContext } from './ref-changes.ts';
import type { SignatureVerifier } from './signatures.ts';

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
  const suspects = pushed === undefined ? [] : suspectsOf(question, pushed.notes.strangers, signed);
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
    foreignAuthors: foreignAddresses(blamed),
    signatures: verifies ? signatureStates.filter((state) => states.has(state)) : undefined,
  };
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
    [...found].map(([oid, verified]) => [places.get(oid) ?? -1, judgedBorne(verified, judge, now)]),
  );
}

function locate(
  { actor }: AuthorshipQuestion,
  { inspection: { graph } }: PushedNotes,
  suspect: Suspect,
): LocatedFinding {
  const line = graph.commits.has(suspect.object) ? 'author line' : 'tagger line';
  return {
    ...suspectFinding(actor, suspect, line),
    commit: graph.index.oid(suspect.object),
    ref: graph.introduction(suspect.object).ref,
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
