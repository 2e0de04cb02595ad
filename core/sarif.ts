// Findings as SARIF 2.1.0 (OASIS, "Static Analysis Results Interchange Format"), for code-scanning tools.
import { catalog, type CatalogEntry } from '../scanners/catalog.ts';
import type { Finding, Severity } from '../scanners/finding.ts';

/** What could not be scanned; `reason` is an error code of the system or a few words of ours. */
interface Unscanned {
  readonly path: string;
  readonly reason: string;
}

const levels: Readonly<Record<Severity, 'note' | 'warning' | 'error'>> = {
  low: 'note',
  medium: 'warning',
  high: 'error',
  critical: 'error',
};

/** Scores that GitHub sorts security findings by. */
const scores: Readonly<Record<Severity, string>> = {
  low: '2.0',
  medium: '5.0',
  high: '8.0',
  critical: '9.5',
};

/** A SARIF log with one run of this version of the program. Fingerprints are keyed, so they tell equal values apart and reveal none. */
export function toSarif(
  findings: readonly Finding[],
  problems: readonly Unscanned[],
  version: string,
): object {
  const used = [...new Set(findings.map((finding) => finding.rule))];
  return {
    $schema: 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'Forgeguard', version, semanticVersion: version, rules: used.map(toRule) } },
        columnKind: 'utf16CodeUnits',
        invocations: [
          {
            executionSuccessful: problems.length === 0,
            toolExecutionNotifications: problems.map(({ path, reason }) => ({
              level: 'error',
              message: { text: `This could not be scanned: ${reason}.` },
              locations: [{ physicalLocation: { artifactLocation: { uri: toUri(path) } } }],
            })),
          },
        ],
        results: findings.map((finding) => toResult(finding, used.indexOf(finding.rule))),
      },
    ],
  };
}

function toRule(id: string): object {
  const entries: Readonly<Record<string, CatalogEntry>> = catalog;
  const entry = entries[id];
  const severity = entry?.severity ?? 'medium';
  return {
    id,
    name: id.replaceAll(/(?:^|[/-])([a-z])/g, (_, letter: string) => letter.toUpperCase()),
    shortDescription: { text: entry?.message ?? id },
    defaultConfiguration: { level: levels[severity] },
    properties: {
      tags: ['security', entry?.category ?? 'policy'],
      'security-severity': scores[severity],
    },
  };
}

function toResult(finding: Finding, ruleIndex: number): object {
  const { path, line, column, endLine, endColumn } = finding;
  const [outer = path, ...inner] = path.split('!');
  return {
    ruleId: finding.rule,
    ruleIndex,
    level: levels[finding.severity],
    message: { text: finding.message },
    partialFingerprints: { 'forgeguard/v1': finding.fingerprint },
    rank: Math.round(finding.confidence * 100),
    locations: [
      {
        physicalLocation: {
          // Of what lies in an archive, the archive is the file that a reader can open.
          artifactLocation: { uri: toUri(outer) },
          region:
            inner.length > 0
              ? { startLine: 1 }
              : { startLine: line, startColumn: column, endLine, endColumn },
        },
        ...(inner.length > 0
          ? { logicalLocations: [{ fullyQualifiedName: path, name: inner.at(-1), kind: 'resource' }] }
          : {}),
      },
    ],
    properties: {
      category: finding.category,
      identifier: finding.identifier,
      severity: finding.severity,
      confidence: finding.confidence,
      byteStart: finding.byteStart,
      byteEnd: finding.byteEnd,
    },
  };
}

function toUri(path: string): string {
  const encoded = path.split('/').map(encodeURIComponent).join('/');
  return path.startsWith('/') ? `file://${encoded}` : encoded;
}
