// Pushes of an agent around the guard, counted and listed one after the other, in memory that does not grow with their
// number. They are no attempts: nothing was decided before they landed.
import type { Attempt } from '../../core/activity/service.ts';
import { type Anomaly, type Report, reportCaps, type ReportBypass } from '../../core/report/schema.ts';

/** Repositories that have an anomaly of their own; the others are counted. */
const mostRepositories = 50;

interface Around {
  readonly first: string;
  readonly last: string;
  readonly pushes: number;
  readonly findings: number;
  readonly uncertain: number;
  readonly unscanned: number;
}

export type BypassesFound = Pick<Report, 'bypasses'> & {
  readonly count: number;
  readonly findings: number;
  readonly critical: number;
  readonly anomalies: readonly Anomaly[];
};

/** A push around the guard as a report lists it; undefined for any other attempt. */
export function reportBypass({ facts, ...attempt }: Attempt): ReportBypass | undefined {
  const { bypass } = facts;
  if (bypass === undefined) return undefined;
  const [ref] = facts.refs ?? [];
  return {
    at: attempt.at.toISOString(),
    session: attempt.session,
    request: attempt.request,
    repository: attempt.repository,
    ref: ref?.ref ?? null,
    old: ref?.old ?? null,
    new: ref?.new ?? null,
    change: ref?.kind ?? null,
    how: bypass.how,
    found: bypass.found,
    account: bypass.account,
    pullRequest: bypass.pullRequest,
    attribution: bypass.attribution,
    verdict: facts.verdict ?? null,
    rules: [...new Set((facts.rules ?? []).map(({ rule }) => rule))],
    findings: facts.findings ?? 0,
    criticalFindings: facts.criticalFindings ?? 0,
    identifiers: facts.identifiers ?? {},
    policyDigest: facts.policyDigest ?? null,
    problem: facts.code ?? null,
    entries: [attempt.firstIndex, attempt.lastIndex],
  };
}

/** Counts them in the order of the log. */
export class BypassTally {
  readonly #listed: ReportBypass[] = [];
  readonly #byRepository = new Map<string, Around>();
  #count = 0;
  #findings = 0;
  #critical = 0;

  add(one: ReportBypass): void {
    this.#count += 1;
    this.#findings += one.findings;
    this.#critical += one.criticalFindings;
    if (this.#listed.length < reportCaps.bypasses) this.#listed.push(one);
    const name = one.repository ?? 'no repository';
    const known = this.#byRepository.get(name);
    if (known === undefined && this.#byRepository.size >= mostRepositories) return;
    const isDeleted = one.change === 'delete';
    this.#byRepository.set(name, {
      first: known?.first ?? one.at,
      last: one.at,
      pushes: (known?.pushes ?? 0) + 1,
      findings: (known?.findings ?? 0) + one.findings,
      uncertain: (known?.uncertain ?? 0) + (one.attribution.certainty === 'certain' ? 0 : 1),
      unscanned: (known?.unscanned ?? 0) + (one.verdict === null && !isDeleted ? 1 : 0),
    });
  }

  result(): BypassesFound {
    return {
      bypasses: this.#listed,
      count: this.#count,
      findings: this.#findings,
      critical: this.#critical,
      anomalies: [...this.#byRepository].map(([repository, around]) => anomalyOf(repository, around)),
    };
  }
}

function anomalyOf(
  repository: string,
  { first, last, pushes, findings, uncertain, unscanned }: Around,
): Anomaly {
  const times = pushes === 1 ? '' : `, the last one at ${last.slice(0, 16).replace('T', ' ')} UTC`;
  const doubt =
    uncertain === 0
      ? ''
      : ` It is not certain of ${uncertain === pushes && pushes === 1 ? 'it' : uncertain} that it was this agent.`;
  return {
    kind: 'bypass',
    at: first,
    what: `${pushes} ${pushes === 1 ? 'push' : 'pushes'} around the guard to ${repository}${times}; ${findings} ${findings === 1 ? 'finding' : 'findings'} in what ${pushes === 1 ? 'it' : 'they'} brought.${doubt}`,
    numbers: { pushes, findings, uncertain, unscanned },
    how: 'Every push to a guarded repository that the forge tells of, that the guard has not forwarded and that nothing explains, is counted for the agent that the account is known as. Each is listed under “Around the guard”.',
  };
}
