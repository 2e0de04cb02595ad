// Who made the commits of a change that is at the upstream already, against whose change it is: people, trailers and
// signatures, judged as those of a push are.
import type { AuthorsQuestion, ChangeFinding } from '../../core/change-scan.ts';
import type { Oid } from '../../core/oid.ts';
import { type OperationSize, signatureStates, type SignatureState } from '../../core/operation.ts';
import type { AuthorJudge } from '../../core/policy/authors.ts';
import type { Clock, PolicyService } from '../../core/services.ts';
import { AuthorNotes } from './author-notes.ts';
import {
  foreignAddresses,
  judgedBorne,
  type Signature,
  suspectFinding,
  suspectsOf,
} from './author-suspects.ts';
import type { HistoryLease } from './history.ts';
import type { SignatureVerifier } from './signatures.ts';

export interface ChangeAuthorServices {
  readonly policy: Pick<PolicyService, 'authors'>;
  readonly signatures: SignatureVerifier;
  readonly clock: Clock;
}

export interface ChangeAuthorship {
  readonly findings: readonly ChangeFinding[];
  readonly foreignAuthors: readonly string[];
  readonly signatures: readonly SignatureState[] | undefined;
}

/** Notes for the commits of a change; their objects are places in its list of commits. */
export function notesFor(
  { policy: { authors } }: ChangeAuthorServices,
  question: AuthorsQuestion | undefined,
): AuthorNotes {
  return new AuthorNotes(
    question === undefined || authors.off ? undefined : authors.judgeFor(question.actor),
  );
}

/** Judges what was noted. More strangers than are kept are as many as there are. */
export async function judgeNotes(
  services: ChangeAuthorServices,
  question: AuthorsQuestion | undefined,
  notes: AuthorNotes,
  commits: readonly Oid[],
  size: OperationSize,
  history: HistoryLease,
  signal: AbortSignal,
): Promise<ChangeAuthorship> {
  const { authors } = services.policy;
  if (question === undefined) return { findings: [], foreignAuthors: [], signatures: undefined };
  const asks = question.asksSignatures(size);
  const verifies = asks || authors.signers.length > 0;
  const judge = authors.judgeFor(question.actor);
  const signed = verifies
    ? await verify(services, judge, notes, commits, history, signal)
    : new Map<number, Signature>();
  const rules = { compares: !authors.off, acceptSigned: authors.acceptSigned };
  const suspects = suspectsOf(rules, notes.strangers, signed);
  const states = new Set([...signed.values()].map(({ state }) => state));
  if (asks && notes.unsigned.length > 0) states.add('none');
  return {
    findings: suspects.map((suspect) => ({
      ...suspectFinding(question.actor.id, suspect, 'author line'),
      commit: commits[suspect.object],
    })),
    foreignAuthors: foreignAddresses(suspects),
    signatures: verifies ? signatureStates.filter((state) => states.has(state)) : undefined,
  };
}

async function verify(
  { signatures, clock }: ChangeAuthorServices,
  judge: AuthorJudge,
  { signed }: AuthorNotes,
  commits: readonly Oid[],
  history: HistoryLease,
  signal: AbortSignal,
): Promise<ReadonlyMap<number, Signature>> {
  const places = new Map<Oid, number>();
  for (let at = 0; at < signed.length; at += 1) {
    const place = signed.at(at);
    const oid = commits[place];
    if (oid !== undefined) places.set(oid, place);
  }
  if (places.size === 0) return new Map();
  const objects = { ...history.commits, commits: [...places.keys()], tags: [] };
  const verified = await signatures.verify(objects, signal);
  const now = clock.now();
  return new Map([...verified].map(([oid, each]) => [places.get(oid) ?? -1, judgedBorne(each, judge, now)]));
}
