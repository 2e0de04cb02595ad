// Counts the attempts of a report one after the other, in memory that does not grow with their number: what names are
// counted by is capped, and so is what is listed.
import type { Attempt } from '../../core/activity/service.ts';
import { RefusalRuns } from '../../core/report/anomaly.ts';
import { type Report, reportCaps, type ReportAttempt } from '../../core/report/schema.ts';

/** Names that counts are kept of; there are never more rules, exceptions or repositories that a report could show. */
const mostCounted = 5_000;

type OutcomeCounts = Pick<
  Report['summary'],
  'attempts' | 'forwarded' | 'refused' | 'held' | 'unknown' | 'open' | 'seen' | 'removed'
>;
type RepositoryCounts = OutcomeCounts & { readonly findings: number };

const none: OutcomeCounts = {
  attempts: 0,
  forwarded: 0,
  refused: 0,
  held: 0,
  unknown: 0,
  open: 0,
  seen: 0,
  removed: 0,
};

/** Keeps counts by name; `row` says what one more attempt makes of a row. */
class Table<Row> {
  readonly rows = new Map<string, Row>();
  readonly #first: Row;

  constructor(first: Row) {
    this.#first = first;
  }

  add(name: string, change: (row: Row) => Row): void {
    if (!this.rows.has(name) && this.rows.size >= mostCounted) return;
    this.rows.set(name, change(this.rows.get(name) ?? this.#first));
  }
}

const hits =
  (by: number) =>
  (row: Hits): Hits => ({ findings: row.findings + by, attempts: row.attempts + 1 });
const oneMore = (attempts: number): number => attempts + 1;

interface Hits {
  readonly findings: number;
  readonly attempts: number;
}

export type Tallied = Pick<
  Report,
  | 'repositories'
  | 'verdicts'
  | 'rules'
  | 'identifiers'
  | 'exceptions'
  | 'policies'
  | 'refusals'
  | 'attempts'
  | 'anomalies'
> & {
  readonly summary: OutcomeCounts & Pick<Report['summary'], 'findings' | 'criticalFindings' | 'excused'>;
  readonly leftOut: Pick<Report['leftOut'], 'attempts' | 'refusals' | 'rows'>;
};

export class Tally {
  #sum: Tallied['summary'] = { ...none, findings: 0, criticalFindings: 0, excused: 0 };
  readonly #repositories = new Table<RepositoryCounts>({ ...none, findings: 0 });
  readonly #verdicts = new Table(0);
  readonly #rules = new Table(0);
  readonly #identifiers = new Table<Hits>({ findings: 0, attempts: 0 });
  readonly #exceptions = new Table<Hits>({ findings: 0, attempts: 0 });
  readonly #policies = new Table(0);
  readonly #attempts: ReportAttempt[] = [];
  readonly #refusals: ReportAttempt[] = [];
  readonly #runs = new RefusalRuns();
  #refused = 0;

  /** In the order of the log. */
  add(attempt: Attempt): void {
    const { facts, repository, outcome, at } = attempt;
    const counts = countsOf(attempt);
    const findings = facts.findings ?? 0;
    const excused = Object.values(facts.exceptions ?? {}).reduce((sum, count) => sum + count, 0);
    this.#sum = {
      ...sumOf(this.#sum, counts),
      findings: this.#sum.findings + findings,
      criticalFindings: this.#sum.criticalFindings + (facts.criticalFindings ?? 0),
      excused: this.#sum.excused + excused,
    };
    this.#repositories.add(repository ?? 'no repository', (row) => ({
      ...sumOf(row, counts),
      findings: row.findings + findings,
    }));
    if (facts.verdict !== undefined) this.#verdicts.add(facts.verdict, oneMore);
    const rules = new Set((facts.rules ?? []).map(({ rule, action }) => JSON.stringify([rule, action])));
    for (const rule of rules) this.#rules.add(rule, oneMore);
    for (const [name, count] of Object.entries(facts.identifiers ?? {}))
      this.#identifiers.add(name, hits(count));
    for (const [name, count] of Object.entries(facts.exceptions ?? {}))
      this.#exceptions.add(name, hits(count));
    if (facts.policyDigest !== undefined) this.#policies.add(facts.policyDigest, oneMore);
    if (this.#attempts.length < reportCaps.attempts) this.#attempts.push(reportAttempt(attempt));
    if (outcome === 'refused') this.#refuse(attempt);
    if (outcome === 'refused' && facts.by === 'policy') this.#runs.add(at, repository);
  }

  #refuse(attempt: Attempt): void {
    this.#refused += 1;
    if (this.#refusals.length < reportCaps.refusals) this.#refusals.push(reportAttempt(attempt));
  }

  result(): Tallied {
    const tables = [
      this.#repositories,
      this.#verdicts,
      this.#rules,
      this.#identifiers,
      this.#exceptions,
      this.#policies,
    ];
    return {
      summary: this.#sum,
      repositories: top(this.#repositories.rows, ({ attempts }) => attempts).map(([repository, row]) => ({
        repository,
        ...row,
      })),
      verdicts: top(this.#verdicts.rows, Number).map(([verdict, attempts]) => ({ verdict, attempts })),
      rules: top(this.#rules.rows, Number).map(([key, attempts]) => ({ ...ruleIn(key), attempts })),
      identifiers: top(this.#identifiers.rows, byFindings).map(([identifier, row]) => ({
        identifier,
        ...row,
      })),
      exceptions: top(this.#exceptions.rows, byFindings).map(([exception, row]) => ({ exception, ...row })),
      policies: top(this.#policies.rows, Number).map(([digest, attempts]) => ({ digest, attempts })),
      refusals: this.#refusals,
      attempts: this.#attempts,
      anomalies: [...this.#runs.end()],
      leftOut: {
        attempts: this.#sum.attempts - this.#attempts.length,
        refusals: this.#refused - this.#refusals.length,
        rows: tables.reduce((sum, { rows }) => sum + Math.max(0, rows.size - reportCaps.rows), 0),
      },
    };
  }
}

const byFindings = ({ findings }: Hits): number => findings;

/** The rows with the highest counts, the highest first. */
function top<Row>(
  rows: ReadonlyMap<string, Row>,
  weight: (row: Row) => number,
): readonly (readonly [string, Row])[] {
  return [...rows]
    .toSorted((left, right) => weight(right[1]) - weight(left[1]) || (left[0] < right[0] ? -1 : 1))
    .slice(0, reportCaps.rows);
}

function ruleIn(key: string): { readonly rule: string; readonly action: string } {
  const [rule = '', action = ''] = key.slice(2, -2).split('","');
  return { rule, action };
}

function countsOf({ outcome, facts }: Attempt): OutcomeCounts {
  const wasHeld = outcome === 'held' || facts.approval !== undefined;
  return { ...none, attempts: 1, held: wasHeld ? 1 : 0, ...(outcome === 'held' ? {} : { [outcome]: 1 }) };
}

function sumOf<Sum extends OutcomeCounts>(sum: Sum, one: OutcomeCounts): Sum {
  return {
    ...sum,
    attempts: sum.attempts + one.attempts,
    forwarded: sum.forwarded + one.forwarded,
    refused: sum.refused + one.refused,
    held: sum.held + one.held,
    unknown: sum.unknown + one.unknown,
    open: sum.open + one.open,
    seen: sum.seen + one.seen,
    removed: sum.removed + one.removed,
  };
}

/** An attempt as a report lists it. */
export function reportAttempt(attempt: Attempt): ReportAttempt {
  const { facts } = attempt;
  return {
    at: attempt.at.toISOString(),
    endedAt: attempt.endedAt?.toISOString() ?? null,
    kind: attempt.family,
    session: attempt.session,
    request: attempt.request,
    repository: attempt.repository,
    refs: (facts.refs ?? []).map(({ ref }) => ref),
    verdict: facts.verdict ?? null,
    rules: [...new Set((facts.rules ?? []).map(({ rule }) => rule))],
    outcome: attempt.outcome,
    code: facts.code ?? null,
    findings: facts.findings ?? 0,
    identifiers: facts.identifiers ?? {},
    policyDigest: facts.policyDigest ?? null,
    address: facts.address ?? null,
    evidence: facts.evidence ?? null,
    approvalState: facts.approvalState ?? null,
    entries: [attempt.firstIndex, attempt.lastIndex],
  };
}
