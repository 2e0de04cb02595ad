// The attempts of a report and what went around the guard as CSV (RFC 4180), one a line, as many as there are. A cell that a spreadsheet would take for a
// formula gets an apostrophe in front.
import type { BypassFacts } from '../../core/activity/bypass.ts';
import type { Attempt } from '../../core/activity/service.ts';
import type { ReportQuestion } from '../../core/report/service.ts';
import type { RecordedEvent } from '../../core/services.ts';
import { approvalStep } from './approvals.ts';
import { attemptsOf, type ReportSources } from './build.ts';
import { reportAttempt } from './tally.ts';

type Row = ReturnType<typeof reportAttempt> & {
  readonly exceptions: string;
  readonly approvals: string;
  /** Of a push around the guard. */
  readonly bypass: BypassFacts | undefined;
};

/** Every column, in order. */
const columns: Readonly<Record<string, (row: Row) => string | number | null>> = {
  time: ({ at }) => at,
  ended: ({ endedAt }) => endedAt,
  session: ({ session }) => session,
  request: ({ request }) => request,
  kind: ({ kind }) => kind,
  repository: ({ repository }) => repository,
  refs: ({ refs }) => refs.join(' '),
  verdict: ({ verdict }) => verdict,
  rules: ({ rules }) => rules.join(' '),
  outcome: ({ outcome }) => outcome,
  code: ({ code }) => code,
  findings: ({ findings }) => findings,
  identifiers: ({ identifiers }) =>
    Object.entries(identifiers)
      .map(([name, count]) => `${name}:${count}`)
      .join(' '),
  exceptions: ({ exceptions }) => exceptions,
  approval: ({ approvalState }) => approvalState,
  approvals: ({ approvals }) => approvals,
  policy: ({ policyDigest }) => policyDigest,
  address: ({ address }) => address,
  evidence: ({ evidence }) => evidence,
  first_entry: ({ entries }) => entries[0],
  last_entry: ({ entries }) => entries[1],
  around_how: ({ bypass }) => bypass?.how ?? null,
  around_account: ({ bypass }) => bypass?.account ?? null,
  around_attributed_by: ({ bypass }) => bypass?.attribution.by ?? null,
  around_certainty: ({ bypass }) => bypass?.attribution.certainty ?? null,
  around_doubts: ({ bypass }) => bypass?.attribution.doubts.join(' ') ?? null,
};

const formula = /^[=+\-@\t\r]/;
const special = /[",\r\n]/;

/** One cell as RFC 4180 has it. */
export function csvCell(value: string | number | null): string {
  const text = typeof value === 'number' ? String(value) : (value ?? '');
  const safe = typeof value === 'string' && formula.test(text) ? `'${text}` : text;
  return special.test(safe) || safe.startsWith("'") ? `"${safe.replaceAll('"', '""')}"` : safe;
}

const line = (cells: readonly (string | number | null)[]): string => `${cells.map(csvCell).join(',')}\r\n`;

/** Steps that are somebody's decision, and not what came of it. */
const decisions: ReadonlySet<string> = new Set([
  'voted',
  'vote-revoked',
  'glass-broken',
  'glass-reviewed',
  'cancelled',
]);

/** What people decided, in one cell. */
function decisionsIn(entries: readonly RecordedEvent[]): string {
  return entries
    .map(approvalStep)
    .filter(({ action }) => decisions.has(action))
    .map(({ at, action, by, decision, reason }) =>
      [at, by ?? '', decision ?? action, ...(reason === null ? [] : [`(${reason})`])].join(' '),
    )
    .join('; ');
}

async function decisionsOf(
  { activity, feed }: Pick<ReportSources, 'activity' | 'feed'>,
  attempts: readonly Attempt[],
): Promise<ReadonlyMap<string, readonly RecordedEvent[]>> {
  const asked = attempts
    .filter(({ facts }) => facts.approvalState !== undefined)
    .map(({ request }) => request);
  if (asked.length === 0) return new Map();
  const places = await activity.entriesOf(asked);
  const indices = places.filter(({ action }) => action.startsWith('approval.')).map(({ index }) => index);
  return Map.groupBy(await feed.at(indices), ({ event }) => event.request);
}

/** The table, some lines at a time. */
export async function* csvOf(
  sources: Pick<ReportSources, 'activity' | 'feed'>,
  question: ReportQuestion,
): AsyncGenerator<string> {
  yield line(Object.keys(columns));
  for await (const attempts of attemptsOf(sources, question)) {
    const decided = await decisionsOf(sources, attempts);
    yield attempts
      .map((attempt) => {
        const row = {
          ...reportAttempt(attempt),
          bypass: attempt.facts.bypass,
          exceptions: Object.keys(attempt.facts.exceptions ?? {}).join(' '),
          approvals: decisionsIn(decided.get(attempt.request) ?? []),
        };
        return line(Object.values(columns).map((cell) => cell(row)));
      })
      .join('');
  }
}
