// Answers a merge queue: the change that a group adds to its branch is looked at as a whole. A change that waits for
// people was to be approved before it was queued; the queue does not wait for them.
import { randomBytes } from 'node:crypto';
import { parseOid } from '../../core/oid.ts';
import type { Principal } from '../../core/principal.ts';
import type { CheckContent } from './check-content.ts';
import { pullKey } from './check-key.ts';
import { type Hub, type HubServices, repositoryId } from '../hub.ts';
import { judgeChange, type Judged } from './judge-change.ts';
import { authorOf } from '../people.ts';
import { beginCheck, publishCheck } from './publish.ts';
import { readPull } from './pull.ts';
import { reportOf } from './report.ts';
import { type CheckKey, readCheck } from '../store.ts';

export interface QueueEntry {
  readonly repository: string;
  readonly head: string;
  readonly base: string;
  /** Full name of the branch. */
  readonly baseRef: string;
  readonly number: number | null;
  /** Whether an earlier attempt may have left something at GitHub. */
  readonly isRetry: boolean;
  readonly signal: AbortSignal;
}

/** Looks and answers on the commit of the group. Rejects where it has to be tried again. */
export async function evaluateQueue(services: HubServices, hub: Hub, entry: QueueEntry): Promise<void> {
  const { repository, baseRef, signal, number } = entry;
  const [head, base] = [entry.head, entry.base].map((text) =>
    parseOid(text, text.length === 64 ? 'sha256' : 'sha1'),
  );
  if (head === undefined || base === undefined) return;
  const { database } = services;
  const key: CheckKey = { forge: hub.forge, repository, subject: `queue/${head}` };
  const publication = { hub, database, key, head, signal, isForced: false, isRetry: entry.isRetry };
  const begun = await beginCheck(publication, await readCheck(database, key));
  const scan = await services.changes.scanChange(
    // Who made the commits was judged with the pull request; those of the queue are GitHub's own.
    { repository: `${hub.forge}/${repository}`, base, head, ref: baseRef, authors: undefined },
    signal,
  );
  const pull = number === null ? undefined : await readPull(hub, { repository, number, signal });
  const actor =
    pull === undefined || number === null
      ? queueActor(hub, repository)
      : authorOf(hub, pull.user, { repository, number });
  const facts = {
    actor,
    repository: repositoryId(hub, repository),
    target: baseRef,
    isDefaultBranch: pull === undefined || pull.base.ref === pull.base.repo.default_branch,
    head,
    base,
  };
  const judged = judgeChange(services, facts, scan, [], true);
  const isApproved =
    judged.verdict.kind === 'hold' &&
    number !== null &&
    (await wasApproved(services, hub, repository, number, pull?.head.sha));
  await services.audit.append({
    action: 'merge-group.checked',
    request: randomBytes(8).toString('hex'),
    actor,
    repository: facts.repository,
    details: {
      head,
      base,
      pullRequest: number,
      verdict: judged.verdict.kind,
      isApproved,
      policyDigest: judged.verdict.policyDigest,
      reasons: judged.verdict.reasons.map(({ rule, action }) => ({ rule, action })),
      findingCount: judged.told.length,
      digest: scan.digest,
    },
  });
  await publishCheck(publication, begun, contentOf(judged, isApproved));
}

function contentOf(judged: Judged, isApproved: boolean): CheckContent {
  const report = { ...reportOf({ judged, held: undefined, notice: null }), actions: [] };
  if (judged.verdict.kind !== 'hold') return report;
  return isApproved
    ? { ...report, conclusion: 'success', title: 'Approved before it was queued' }
    : { ...report, conclusion: 'failure', title: 'Not approved: approve the pull request, then queue it' };
}

/** True where the newest commit of the pull request is the one that people have approved. */
async function wasApproved(
  services: HubServices,
  hub: Hub,
  repository: string,
  number: number,
  head: string | undefined,
): Promise<boolean> {
  const known = await readCheck(services.database, pullKey(hub, { repository, number }));
  if (known === undefined || known.approval === null || known.head !== head) return false;
  const approval = await services.approvals.status(known.approval);
  return approval !== undefined && ['approved', 'applying', 'applied'].includes(approval.state);
}

function queueActor(hub: Hub, repository: string): Principal {
  return {
    kind: 'workload',
    id: `workload:${hub.forge}/merge-queue`,
    issuer: hub.url,
    subject: 'merge-queue',
    groups: [],
    onBehalfOf: [],
    session: `github-queue:${repositoryId(hub, repository)}`,
    proof: 'forge',
  };
}
