// What is found in a change and what the policy says about it: as a pull request, whose texts everybody can read, and as
// the merge that it asks for. The stronger of the two answers counts.
import type { ChangeFinding, ChangeScan } from '../core/change-scan.ts';
import { GuardError } from '../core/errors.ts';
import type { Operation } from '../core/operation.ts';
import type { Principal } from '../core/principal.ts';
import type { ScanService } from '../core/services.ts';
import { actions, type Reason, type Verdict } from '../core/verdict.ts';
import type { Finding } from '../scanners/finding.ts';
import type { HubServices } from './hub.ts';
import type { Spoken } from './pull.ts';

/** A finding and where a reader finds it. */
export interface Told {
  readonly finding: Finding;
  readonly place: ChangeFinding['place'] | 'text';
  /** Of a text, its label. */
  readonly label: string;
  readonly url: string | null;
  readonly commit: string | undefined;
}

export interface Judged {
  readonly verdict: Verdict;
  /** In the order of the verdict's indexes. */
  readonly told: readonly Told[];
  readonly before: readonly ChangeFinding[];
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
  readonly head: Operation['refUpdates'][number]['newOid'];
  readonly base: Operation['refUpdates'][number]['oldOid'];
}

/** Asks the policy. */
export function judgeChange(
  { policy, clock }: Pick<HubServices, 'policy' | 'clock'>,
  facts: ChangeFacts,
  scan: ChangeScan,
  texts: readonly Told[],
): Judged {
  const told = [
    ...scan.introduced.map((found): Told => ({ ...found, label: found.place, url: null })),
    ...texts,
  ];
  const operation: Omit<Operation, 'kind'> = {
    actor: facts.actor,
    repository: facts.repository,
    refUpdates: [
      {
        ref: facts.target,
        oldOid: scan.mergeBase ?? facts.base,
        newOid: facts.head,
        kind: 'update',
        isDefaultBranch: facts.isDefaultBranch,
      },
    ],
    paths: scan.paths,
    size: scan.size,
    foreignAuthors: [],
    findings: told.map(({ finding }) => finding),
  };
  const now = clock.now();
  const [asMerge, asPull] = [
    policy.decide({ ...operation, kind: 'merge' }, now),
    policy.decide({ ...operation, kind: 'pull-request' }, now),
  ];
  return { verdict: stronger(asMerge, asPull), told, before: scan.before, scan };
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
