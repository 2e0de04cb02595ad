// Where a change that waits for people stands, in the words of a check.
import { type Approval, approvalProgress, votesInForce } from '../../core/approval.ts';
import type { ApprovalState } from '../../core/approval/state.ts';
import type { Conclusion } from './check-content.ts';
import { cell, code, oneLine } from '../markdown.ts';

export interface HeldState {
  readonly state: ApprovalState;
  readonly conclusion: Conclusion;
  readonly title: string;
  /** Markdown: who is asked, how many have agreed, until when. */
  readonly waitsFor: string;
  readonly url: string;
}

interface Words {
  readonly conclusion: Conclusion;
  readonly title: string;
}

const lost = (title: string): Words => ({ conclusion: 'failure', title });

/** What each state comes to. What was approved may be merged, by the guard or by people. */
const words: Readonly<Record<ApprovalState, Words>> = {
  waiting: { conclusion: 'action_required', title: 'Waits for approval' },
  approved: { conclusion: 'success', title: 'Approved' },
  applying: { conclusion: 'success', title: 'Approved' },
  applied: { conclusion: 'success', title: 'Approved' },
  denied: lost('Denied'),
  expired: lost('Nobody approved it in time: re-scan to ask again'),
  superseded: lost('Replaced by a newer request'),
  cancelled: lost('Withdrawn: re-scan to ask again'),
  failed: lost('Approved, but it could not be merged'),
  stale: lost('It is no longer what was approved: re-scan to ask again'),
};

/** The state in words. */
export function heldStateOf(approval: Approval, url: string): HeldState {
  const { conclusion, title } = words[approval.state];
  const note = approval.note === null ? '' : `: ${oneLine(approval.note, 160)}`;
  return {
    state: approval.state,
    conclusion,
    title: oneLine(conclusion === 'failure' ? `${title}${note}` : title, 240),
    waitsFor: waitsFor(approval, url),
    url,
  };
}

function waitsFor(approval: Approval, url: string): string {
  const asked = approvalProgress(approval).map(
    ({ approvers, agreed, count }) =>
      `| ${approvers.map((each) => code(each)).join(', ')} | ${agreed} of ${count} |`,
  );
  const votes = votesInForce(approval.votes).map(
    ({ person, decision, comment }) =>
      `- ${code(person)}: ${decision}${comment === null ? '' : `, ${cell(comment)}`}`,
  );
  return [
    ['| who is asked | agreed |', '| --- | --- |', ...asked].join('\n'),
    ...(votes.length === 0 ? [] : [votes.join('\n')]),
    `Press **Approve** or **Deny** above, or decide at ${url}. It covers exactly this commit; a new one asks again. It ends at ${approval.expiresAt.toISOString().slice(0, 16)}Z.`,
  ].join('\n\n');
}
