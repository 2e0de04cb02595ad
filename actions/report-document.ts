// What the guard is told of a scan: rules and places, the worst first, and never a value.
import { longestReportedPath, mostReported, type ScanReportDocument } from '../core/scan-report.ts';
import type { Judgement } from './judgement.ts';

type Counted = 'findings' | 'findingCount' | 'failing' | 'excused';

/** Makes the report; `shown` is how a path may be told. */
export function reportDocument(
  { findings, excused }: Judgement,
  { shown, ...facts }: Omit<ScanReportDocument, Counted> & { readonly shown: (path: string) => string },
): ScanReportDocument {
  return {
    ...facts,
    findingCount: findings.length,
    failing: findings.filter(({ level }) => level === 'error').length,
    excused,
    findings: findings.slice(0, mostReported).map(({ finding, level }) => ({
      rule: finding.rule,
      category: finding.category,
      severity: finding.severity,
      confidence: finding.confidence,
      path: shown(finding.path).slice(0, longestReportedPath).toWellFormed(),
      line: finding.line,
      fingerprint: finding.fingerprint,
      level,
    })),
  };
}
