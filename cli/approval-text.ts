// Requests for approval as text for a terminal. Names and sentences come from outside.
import { formatDuration } from '../core/duration.ts';
import { unifiedDiff } from '../core/approval/changes.ts';
import type { ApprovalView } from '../server/api/approval-view.ts';
import type { ChangesView } from '../server/api/changes-view.ts';
import { detailRows } from './approval-details.ts';
import { printable } from './printable.ts';

/** A table of requests, newest first. */
export function listText(approvals: readonly ApprovalView[], now: Date): string {
  if (approvals.length === 0) return 'no requests\n';
  const rows = approvals.map((approval) => [
    approval.id,
    approval.state,
    approval.repository,
    refsOf(approval),
    approval.actor.id,
    approval.state === 'waiting' ? timeLeft(approval.expiresAt, now) : '',
  ]);
  return table([['ID', 'STATE', 'REPOSITORY', 'REF', 'BY', 'RUNS OUT IN'], ...rows]);
}

/** Everything about one request. */
export function approvalText(approval: ApprovalView, now: Date): string {
  const { breakGlass } = approval;
  const rows: (readonly [string, string])[] = [
    [
      'state',
      approval.state === 'waiting'
        ? `waiting, runs out in ${timeLeft(approval.expiresAt, now)}`
        : approval.state,
    ],
    ...(approval.note === null ? [] : [['', approval.note] as const]),
    ...(approval.supersededBy === null ? [] : [['', `superseded by ${approval.supersededBy}`] as const]),
    ['what', `${approval.operation} to ${approval.repository}`],
    ...approval.refUpdates.map(
      ({ ref, oldOid, newOid }) => ['ref', `${ref} ${short(oldOid)}..${short(newOid)}`] as const,
    ),
    ['by', approval.actor.id],
    ...(approval.onBehalfOf.length === 0 ? [] : [['for', approval.onBehalfOf.join(', ')] as const]),
    ...(approval.reason === null ? [] : [['reason', approval.reason] as const]),
    ...approval.holds.map(({ rule, message }) => ['held by', `${rule}: ${message}`] as const),
    ...approval.requirements.map(
      ({ rule, agreed, count, approvers, escalatedTo }) =>
        [
          'needs',
          `${agreed} of ${count} from ${[...approvers, ...(escalatedTo ?? [])].join(' or ')} (${rule})`,
        ] as const,
    ),
    ...approval.votes.map(
      ({ person, decision, comment, revokedAt }) =>
        [
          'vote',
          `${person}: ${decision}${revokedAt === null ? '' : ' (revoked)'}${comment === null ? '' : `: ${comment}`}`,
        ] as const,
    ),
    ...(breakGlass === null
      ? []
      : [['glass', `broken by ${breakGlass.person}: ${breakGlass.reason}`] as const]),
    ...(breakGlass === null
      ? []
      : [
          [
            'review',
            breakGlass.review === null
              ? 'open'
              : `closed by ${breakGlass.review.person}: ${breakGlass.review.comment}`,
          ] as const,
        ]),
    ...detailRows(approval.details),
    ['made', approval.createdAt],
    ['page', approval.url],
  ];
  return `${printable(approval.id)}\n${rows.map(([label, text]) => lineOf(label, text)).join('')}`;
}

const labelWidth = 10;

// What was written in several lines stays so, below its label.
function lineOf(label: string, text: string): string {
  const lines = text.split('\n').map((line) => printable(line));
  return lines.map((line, at) => `  ${(at === 0 ? label : '').padEnd(labelWidth)}${line}\n`).join('');
}

/** One page of changes as a unified diff. */
export function changesText({ files, total }: ChangesView, isFirst: boolean): string {
  const head = isFirst && total !== null ? [`${total} changed ${total === 1 ? 'file' : 'files'}`, ''] : [];
  const lines = files.flatMap((file) => [
    ...(file.masked === 0
      ? []
      : [`(${file.masked} ${file.masked === 1 ? 'value is' : 'values are'} masked)`]),
    ...unifiedDiff(file),
    '',
  ]);
  return [...head, ...lines].map((line) => `${printable(line)}\n`).join('');
}

function refsOf({ refUpdates }: ApprovalView): string {
  const [first, ...others] = refUpdates;
  const name = first?.ref.replace(/^refs\/heads\//, '') ?? '';
  return others.length === 0 ? name : `${name} and ${others.length} more`;
}

const short = (oid: string): string => oid.slice(0, 12);

function timeLeft(expiresAt: string, now: Date): string {
  const minutes = Math.ceil((Date.parse(expiresAt) - now.getTime()) / 60_000);
  return minutes <= 0
    ? 'no time'
    : formatDuration(minutes < 120 ? minutes * 60 : Math.round(minutes / 60) * 3_600);
}

function table(rows: readonly (readonly string[])[]): string {
  const clean = rows.map((row) => row.map((cell) => printable(cell)));
  const widths =
    clean[0]?.map((_, column) => Math.max(...clean.map((row) => row[column]?.length ?? 0))) ?? [];
  return clean
    .map(
      (row) =>
        `${row
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}
