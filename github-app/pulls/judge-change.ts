// What is found in a change and what the policy says about it: as a pull request, whose texts everybody can read, and as
// the merge that it asks for. The stronger of the two answers counts.
import type { AuthorsQuestion, ChangeFinding, ChangeScan } from '../../core/change-scan.ts';
import { GuardError } from '../../core/errors.ts';
import type { Oid } from '../../core/oid.ts';
import type { Operation, RefUpdate } from '../../core/operation.ts';
import type { Principal } from '../../core/principal.ts';
import type { ScanService } from '../../core/services.ts';
import { actions, type Reason, type Verdict } from '../../core/verdict.ts';
import type { Finding } from '../../scanners/finding.ts';
import type { HubServices } from '../hub.ts';
import type { Spoken } from './pull.ts';

/** A finding and where a reader finds it. */
export interface Told {
  readonly finding: Finding;
  readonly place: ChangeFinding['place'] | 'text';
  /** Of a text, its label. */
  readonly label: string;
  readonly url: string | null;
  /** Of a message or an author line, and of a file that a later commit changed again. */
  readonly commit: string | undefined;
}

export interface Judged {
  readonly verdict: Verdict;
  /** In the order of the verdict's indexes. */
  readonly told: readonly Told[];
  /** What lies in commits that do not land: told, and not judged. */
  readonly passing: readonly ChangeFinding[];
  readonly scan: ChangeScan;
}

const mostTextBytes = 16 * 2 ** 20;

/** Scans what people wrote. Rejects with `git/limit` where it is too much, or with `scan/failed`. */
export async function scanSpoken(
  scanner: Pick<ScanService, 'scan'>,
  spoken: readonly Spoken[],
  signal: AbortSignal,
): Promise<readonly Told[]> {
  const encoder = new TextEncoder();
  const texts = spoken.map((each) => ({ ...each, bytes: encoder.encode(each.text) }));
  if (texts.reduce((sum, { bytes }) => sum + bytes.length, 0) > mostTextBytes)
    throw new GuardError('git/limit', `more than ${mostTextBytes} bytes were written in the pull request`);
  const found: Told[] = [];
  for (const { label, url, bytes } of texts) {
    const kind = label === 'branch name' ? 'names' : 'message';
    const { findings } = await scanner.scan({ kind, path: label }, bytes, signal);
    for (const finding of findings) found.push({ finding, place: 'text', label, url, commit: undefined });
  }
  return found;
}

export interface ChangeFacts {
  readonly actor: Principal;
  /** As `repositoryId` makes it. */
  readonly repository: string;
  /** Full name of the branch that it is to go to. */
  readonly target: string;
  readonly isDefaultBranch: boolean;
  readonly head: Oid;
  readonly base: Oid;
}

/** Both ways in which the policy is asked. */
const asked = ['merge', 'pull-request'] as const;

/** Who makes the change and what the policy asks about its commits. */
export function authorsQuestion(
  { policy }: Pick<HubServices, 'policy'>,
  facts: ChangeFacts,
): AuthorsQuestion {
  const refUpdates = [updateOf(facts, facts.base)];
  const { actor, repository } = facts;
  return {
    actor,
    asksSignatures: (size) =>
      asked.some(
        (kind) =>
          policy.asksAboutSignatures({ kind, actor, repository, refUpdates, size, foreignAuthors: [] })
            .length > 0,
      ),
  };
}

function updateOf({ target, head, isDefaultBranch }: ChangeFacts, oldOid: Oid): RefUpdate {
  return { ref: target, oldOid, newOid: head, kind: 'update', isDefaultBranch };
}

/** Asks the policy. `lands` says whether all commits of the change do. */
export function judgeChange(
  { policy, clock }: Pick<HubServices, 'policy' | 'clock'>,
  facts: ChangeFacts,
  scan: ChangeScan,
  texts: readonly Told[],
  lands: boolean,
): Judged {
  const inCommits = [...scan.introduced, ...(lands ? scan.earlier : [])];
  const told = [...inCommits.map((found): Told => ({ ...found, label: found.place, url: null })), ...texts];
  const operation: Omit<Operation, 'kind'> = {
    actor: facts.actor,
    repository: facts.repository,
    refUpdates: [updateOf(facts, scan.mergeBase ?? facts.base)],
    paths: scan.paths,
    size: scan.size,
    foreignAuthors: scan.foreignAuthors,
    signatures: scan.signatures,
    findings: told.map(({ finding }) => finding),
  };
  const now = clock.now();
  const verdict = asked.map((kind) => policy.decide({ ...operation, kind }, now)).reduce(stronger);
  return { verdict, told, passing: lands ? [] : scan.earlier, scan };
}

function stronger(one: Verdict, other: Verdict): Verdict {
  const first = actions.indexOf(one.kind) >= actions.indexOf(other.kind) ? one : other;
  return {
    kind: first.kind,
    reasons: joined(one.reasons, other.reasons),
    monitored: joined(one.monitored, other.monitored),
    approvals: first.kind === 'hold' ? [...one.approvals, ...other.approvals] : [],
    excused: one.excused,
    policyDigest: one.policyDigest,
  };
}

function joined(some: readonly Reason[], others: readonly Reason[]): readonly Reason[] {
  const known = new Set(some.map(({ rule }) => rule));
  return [...some, ...others.filter(({ rule }) => !known.has(rule))].toSorted(
    (left, right) => actions.indexOf(right.action) - actions.indexOf(left.action),
  );
}
