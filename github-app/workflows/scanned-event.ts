// What the audit log keeps of a log or an artifact that the guard looked at. Everything in it is fit to be shown: names
// are masked, values are absent.
import type { AuditEvent, Json } from '../../core/audit-event.ts';
import type { Principal } from '../../core/principal.ts';
import type { Reason, Verdict } from '../../core/verdict.ts';
import type { Finding } from '../../scanners/finding.ts';
import { oneLine } from '../markdown.ts';
import type { ItemKind } from './workflow-store.ts';

/** What all entries about one log or artifact have. */
export interface ItemIdentity {
  readonly kind: ItemKind;
  readonly request: string;
  readonly actor: Principal;
  /** As `repositoryId` makes it. */
  readonly repository: string;
  /** Ids and names of run, job or artifact. */
  readonly where: Readonly<Record<string, Json>>;
}

export interface ScannedFacts {
  readonly verdict: Verdict;
  readonly findings: readonly Finding[];
  /** Bytes that were looked at. */
  readonly bytes: number;
  /** Whether there was more, which nobody looked at. */
  readonly isCut: boolean;
  readonly exposedSince: Date | null;
  readonly fingerprintKey: string;
  readonly catalogDigest: string;
  /** More that is told of it. */
  readonly more: Readonly<Record<string, Json>>;
}

const mostFindings = 60;

export type ItemStep = 'scanned' | 'unscanned' | 'deleting' | 'deleted' | 'deletion-failed';

/** An entry about the item. */
export function itemEvent(
  { kind, request, actor, repository, where }: ItemIdentity,
  step: ItemStep,
  details: Readonly<Record<string, Json>>,
): AuditEvent {
  return { action: `${kind}.${step}`, request, actor, repository, details: { ...where, ...details } };
}

/** Says what was found in it, and what the policy says to that. */
export function scannedEvent(item: ItemIdentity, facts: ScannedFacts): AuditEvent {
  const { verdict, findings } = facts;
  const blamed = new Set(verdict.reasons.flatMap((reason) => reason.findings));
  const critical = [...blamed].filter((index) => findings[index]?.severity === 'critical');
  const identifiers = Map.groupBy(findings, ({ identifier }) => identifier);
  return itemEvent(item, 'scanned', {
    verdict: verdict.kind,
    policyDigest: verdict.policyDigest,
    catalogDigest: facts.catalogDigest,
    fingerprintKey: facts.fingerprintKey,
    reasons: verdict.reasons.map(reasonJson),
    monitored: verdict.monitored.map(reasonJson),
    exceptions: verdict.excused.slice(0, mostFindings).map(({ finding, exception }) => ({
      exception,
      fingerprint: findings[finding]?.fingerprint ?? '',
    })),
    // What the rules act on first.
    findings: findings
      .map((finding, index) => ({ finding, isBlamed: blamed.has(index) }))
      .toSorted((left, right) => Number(right.isBlamed) - Number(left.isBlamed))
      .slice(0, mostFindings)
      .map(({ finding }) => findingJson(finding, item.kind)),
    findingCount: findings.length,
    criticalFindings: critical.length,
    identifiers: Object.fromEntries([...identifiers].map(([name, group]) => [name, group.length])),
    bytes: facts.bytes,
    ...(facts.isCut ? { cut: true } : {}),
    ...(facts.exposedSince === null ? {} : { exposedSince: facts.exposedSince.toISOString() }),
    ...facts.more,
  });
}

function reasonJson({ rule, action, findings }: Reason): Json {
  return { rule, action, findings: findings.length };
}

function findingJson(finding: Finding, place: ItemKind): Json {
  return {
    rule: finding.rule,
    identifier: finding.identifier,
    severity: finding.severity,
    confidence: finding.confidence,
    place,
    commit: null,
    path: oneLine(finding.path, 250),
    line: finding.line,
    column: finding.column,
    masked: oneLine(finding.masked, 80),
    fingerprint: finding.fingerprint,
  };
}
