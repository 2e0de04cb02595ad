// Opens, finds again and ends the request for people that a change of a pull request waits for. It covers exactly one
// commit: whatever comes after is another request.
import type { Approval } from '../../core/approval.ts';
import { type ApprovalBinding, bindingDigest, findingsDigest } from '../../core/approval/binding.ts';
import { type ApprovalState, openStates } from '../../core/approval/state.ts';
import { zeroOid } from '../../core/oid.ts';
import type { Principal } from '../../core/principal.ts';
import { type HubServices } from '../hub.ts';
import type { Judged } from './judge-change.ts';
import { oneLine } from '../markdown.ts';
import type { Pull } from './pull.ts';
import type { KnownCheck } from '../store.ts';

export interface HoldQuestion {
  readonly request: string;
  readonly repository: string;
  readonly actor: Principal;
  readonly pull: Pull;
  readonly judged: Judged;
  readonly known: KnownCheck | undefined;
  /** Whether somebody asked to look again: what ended without a decision is asked anew. */
  readonly isForced: boolean;
}

export interface HeldChange {
  readonly approval: Approval;
  readonly binding: string;
}

/** What an approval of the change covers. */
export function bindingOf(
  { scanner }: Pick<HubServices, 'scanner'>,
  { repository, actor, pull, judged }: Pick<HoldQuestion, 'repository' | 'actor' | 'pull' | 'judged'>,
): ApprovalBinding {
  return {
    kind: 'merge',
    repository,
    refUpdates: [
      {
        ref: `refs/pull/${pull.number}/head`,
        oldOid: judged.scan.mergeBase ?? zeroOid(pull.head.sha.length === 64 ? 'sha256' : 'sha1'),
        newOid: pull.head.sha,
      },
      // Where it goes to is covered as well; what is there by then is the forge's to merge with.
      {
        ref: `refs/pull/${pull.number}/into/${pull.base.ref}`,
        oldOid: pull.head.sha,
        newOid: pull.head.sha,
      },
    ],
    objectSetDigest: judged.scan.digest,
    findingsDigest: findingsDigest(judged.told.map(({ finding }) => finding)),
    policyDigest: judged.verdict.policyDigest,
    catalogDigest: scanner.catalogDigest,
    actor,
    owner: null,
  };
}

const askedAgain: readonly ApprovalState[] = ['expired', 'cancelled', 'failed', 'stale', 'superseded'];

/** The request for a change that the policy holds. */
export async function holdChange(services: HubServices, question: HoldQuestion): Promise<HeldChange> {
  const { known, isForced, judged, pull } = question;
  const binding = bindingOf(services, question);
  const digest = bindingDigest(binding);
  if (known?.binding === digest && known.approval !== null) {
    const approval = await services.approvals.status(known.approval);
    const isOver = approval === undefined || (isForced && askedAgain.includes(approval.state));
    if (!isOver) return { approval, binding: digest };
  }
  const { id } = await services.approvals.request({
    request: question.request,
    binding,
    // Its own for each request: nothing is kept here but the way to the pull request.
    held: `${question.repository}#${pull.number}@${question.request}`,
    reason: pull.title,
    holds: judged.verdict.reasons
      .filter(({ action }) => action === 'hold')
      .map(({ rule, message }) => ({ rule, message })),
    requirements: judged.verdict.approvals,
    details: {
      pullRequest: pull.html_url,
      into: oneLine(pull.base.ref, 250),
      commits: judged.scan.size.commits,
      files: judged.scan.paths.length,
      bytes: judged.scan.size.bytes,
      findingCount: judged.told.length,
    },
  });
  const opened = await services.approvals.status(id);
  if (opened === undefined) throw new Error('a request that was just opened is not there');
  return { approval: opened, binding: digest };
}

/** Ends the request of a change that is not held any more; one that ended already is left as it is. */
export async function releaseChange(
  { approvals }: HubServices,
  approval: string,
  actor: Principal,
  why: string,
): Promise<void> {
  const found = await approvals.status(approval);
  if (found === undefined || !openStates.includes(found.state)) return;
  await approvals.cancel(approval, { principal: actor, owner: null, scopes: [] }, why);
}
