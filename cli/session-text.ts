// Sessions as text for a terminal. Names and lines come from outside; values in them were masked before they were kept.
import { unifiedDiff } from '../core/approval/changes.ts';
import type { DeployStep, FetchStep, PushStep, ReplayStep } from '../core/activity/replay.ts';
import type { AttemptView, SessionView } from '../server/api/session-view.ts';
import { bypassLines, bypassTitle } from './session-bypass-text.ts';
import { printable } from './printable.ts';
import { itemLines, itemTitle } from './session-item-text.ts';

const minute = (text: string): string => `${text.slice(0, 10)} ${text.slice(11, 19)}`;
const short = (oid: string): string => (/^0+$/.test(oid) ? 'nothing' : oid.slice(0, 12));

/** A table of sessions, newest first. */
export function sessionListText(sessions: readonly SessionView[]): string {
  if (sessions.length === 0) return 'no sessions\n';
  const rows = sessions.map(({ id, state, startedAt, agent, onBehalfOf, repositories, counts }) => [
    id,
    state,
    minute(startedAt),
    agent,
    onBehalfOf.at(-1) ?? '-',
    repositories.length === 1 ? (repositories[0]?.repository ?? '') : `${repositories.length} repositories`,
    `${counts.pushes} pushes, ${counts.refused} refused, ${counts.fetches} fetches${around(counts)}`,
  ]);
  return table([['ID', 'STATE', 'STARTED (UTC)', 'AGENT', 'FOR', 'WHERE', 'WHAT'], ...rows]);
}

function around({ bypasses }: SessionView['counts']): string {
  return bypasses === 0 ? '' : `, ${bypasses} AROUND THE GUARD`;
}

function table(rows: readonly (readonly string[])[]): string {
  const widths =
    rows[0]?.map((_cell, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, column) => printable(cell).padEnd(widths[column] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}

/** The head of a session. */
export function sessionText(session: SessionView): string {
  const { counts } = session;
  const rows = [
    ['agent', session.agent],
    ['for', session.onBehalfOf.length === 0 ? 'nobody who is named' : session.onBehalfOf.join(', ')],
    ...(session.owner === null ? [] : [['owner', session.owner]]),
    ['credential', `${session.credential} (${session.proof}, vouched for by ${session.issuer})`],
    ['time', `${minute(session.startedAt)} to ${minute(session.activeAt)} UTC, ${session.state}`],
    ['entries', `${session.firstEntry} to ${session.lastEntry}`],
    ...session.repositories.map(({ repository }) => ['repository', repository]),
    [
      'what',
      `${counts.pushes} pushes: ${counts.forwarded} forwarded, ${counts.refused} refused, ${counts.held} held; ${counts.fetches} fetches; ${counts.findings} findings${around(counts)}`,
    ],
  ];
  return `${session.id}\n${rows.map(([label = '', text = '']) => `  ${label.padEnd(11)}${printable(text)}\n`).join('')}`;
}

/** One attempt in a line. */
export function attemptLine({ at, kind, repository, outcome, facts, request }: AttemptView): string {
  const refs = (facts.refs ?? []).map(({ ref }) => ref).join(' ');
  const rules = [...new Set((facts.rules ?? []).map(({ rule }) => rule))].join(' ');
  const asked = facts.approvalState === undefined ? '' : `approval ${facts.approvalState}`;
  const parts = [minute(at), kind, outcome, repository ?? '', refs, rules, asked, request];
  return `${parts
    .filter((part) => part !== '')
    .map(printable)
    .join('  ')}\n`;
}

/** One step of a replay in full. */
export function stepText(step: ReplayStep): string {
  switch (step.kind) {
    case 'push':
      return pushText(step);
    case 'fetch':
      return fetchText(step);
    case 'deploy':
      return deployText(step);
    case 'bypass':
      return (
        heading(step, bypassTitle(step)) +
        bypassLines(step)
          .map((line) => `${printable(line)}\n`)
          .join('')
      );
    case 'log':
    case 'artifact':
      return (
        heading(step, itemTitle(step)) +
        itemLines(step)
          .map((line) => `${printable(line)}\n`)
          .join('')
      );
  }
}

function heading(step: ReplayStep, what: string): string {
  return `\n── ${minute(step.at)} UTC  ${printable(what)}  (request ${printable(step.request)}, entries ${step.entries.join(' ')})\n`;
}

function fetchText(step: FetchStep): string {
  const why = step.why === null ? '' : `: ${step.why}`;
  return heading(
    step,
    `fetch of ${step.repository ?? 'nothing'}, ${step.command ?? ''} ${step.outcome}${why}`,
  );
}

function deployText(step: DeployStep): string {
  const lines = [
    `  commit    ${step.commit ?? 'not known'}  ${step.ref ?? ''}`,
    ...decisionLines(step.decisions),
    ...approvalLines(step.approval),
    outcomeLine(step),
  ];
  const title = `deployment to ${step.environment ?? 'nothing'} of run ${step.run ?? 'not known'} in ${step.repository ?? 'nothing'}`;
  return heading(step, title) + lines.map((line) => `${printable(line)}\n`).join('');
}

function decisionLines(decisions: PushStep['decisions']): readonly string[] {
  return decisions.flatMap(({ at, verdict, rules, policyDigest, approval, exceptions }) => [
    `  decided   ${verdict}  at ${minute(at)} by policy ${policyDigest.slice(0, 12)}${approval === null ? '' : ` under approval ${approval}`}`,
    ...rules.map(({ rule, action }) => `            ${action} by ${rule}`),
    ...exceptions.map((one) => `            excused by ${one}`),
  ]);
}

function approvalLines(steps: PushStep['approval']): readonly string[] {
  return steps.map(({ at, action, by, decision, reason }) => {
    const what = `${action.slice('approval.'.length)}${decision === null ? '' : `: ${decision}`}`;
    return `  approval  ${minute(at)}  ${what} by ${by ?? 'the guard'}${reason === null ? '' : ` (${reason})`}`;
  });
}

function outcomeLine({ outcome, why, endedAt }: Pick<PushStep, 'outcome' | 'why' | 'endedAt'>): string {
  return `  outcome   ${outcome}${why === null ? '' : `: ${why}`}${endedAt === null ? '' : `  at ${minute(endedAt)}`}`;
}

function pushText(step: PushStep): string {
  const lines = [
    ...step.refs.map(
      ({ ref, old, new: now, change }) =>
        `  ref       ${ref}  ${short(old)} → ${short(now)}${change === null ? '' : `  ${change}`}`,
    ),
    ...(step.refCount > step.refs.length ? [`  ref       and ${step.refCount - step.refs.length} more`] : []),
    ...(step.address === null ? [] : [`  from      ${step.address}  ${step.userAgent ?? ''}`]),
    ...decisionLines(step.decisions),
    ...step.findings.map(
      ({ rule, path, line, column, masked }) => `  found     ${rule}  ${path}:${line}:${column}  ${masked}`,
    ),
    ...(step.findingCount > step.findings.length ? [`  found     ${step.findingCount} in all`] : []),
    ...approvalLines(step.approval),
    outcomeLine(step),
    ...changesLines(step.changes),
  ];
  return (
    heading(step, `push to ${step.repository ?? 'nothing'}`) +
    lines.map((line) => `${printable(line)}\n`).join('')
  );
}

function changesLines(changes: PushStep['changes']): readonly string[] {
  switch (changes.kind) {
    case 'kept': {
      const more = changes.total - changes.files.length;
      return [
        `  changes   SHA-256 ${changes.digest}, as recorded; values masked`,
        ...changes.files.flatMap((file) =>
          unifiedDiff(file).map((line) => `    ${line.replaceAll('\t', '  ')}`),
        ),
        ...(more > 0 ? [`    (and ${more} more files)`] : []),
      ];
    }
    case 'gone':
      return [`  changes   not kept any more (SHA-256 ${changes.digest})`];
    case 'destroyed':
      return [`  changes   destroyed under an approval (SHA-256 ${changes.digest})`];
    case 'changed':
      return [
        `  changes   WHAT IS KEPT IS NOT WHAT WAS RECORDED (SHA-256 ${changes.digest}); it is not shown`,
      ];
    case 'missing':
      return [`  changes   none were kept: ${changes.why}`];
  }
}
