// Compares findings of credentials with labelled lines. A credential is hit where a finding touches one of its lines; a
// line is false where a finding begins that touches no credential and nothing undecided.
import type { Finding } from '../../scanners/finding.ts';
import type { LineLabel, LineRow } from './labels.ts';
import { ratio, type Ratio, share } from './ratio.ts';

export interface LineScore extends Ratio {
  readonly credentials: number;
  readonly hit: number;
  readonly falseLines: number;
  /** False lines that are labelled as no credential; the others have no label. */
  readonly falseOnLabelled: number;
  readonly negatives: number;
  /** Files without a credential that have a false line, per 1,000. */
  readonly negativesFlagged: number;
}

/** Scores the findings of a set at one threshold of confidence. */
export function scoreLines(
  rows: readonly LineRow[],
  findings: (file: string) => readonly Finding[],
  threshold: number,
): LineScore {
  const sum = { credentials: 0, hit: 0, falseLines: 0, falseOnLabelled: 0, negatives: 0, flagged: 0 };
  for (const row of rows) {
    const secrets = findings(row.file).filter(
      ({ category, confidence }) => category === 'secret' && confidence >= threshold,
    );
    const of = (kind: LineLabel['label']) => row.lines.filter(({ label }) => label === kind);
    const [credentials, undecided] = [of('T'), of('X')];
    const none = new Set(of('F').map(({ line }) => line));
    const falseLines = new Set(
      secrets
        .filter((finding) => ![...credentials, ...undecided].some((label) => touches(finding, label)))
        .map(({ line }) => line),
    );
    sum.credentials += credentials.length;
    sum.hit += credentials.filter((label) => secrets.some((finding) => touches(finding, label))).length;
    sum.falseLines += falseLines.size;
    sum.falseOnLabelled += [...falseLines].filter((line) => none.has(line)).length;
    if (credentials.length > 0) continue;
    sum.negatives++;
    if (falseLines.size > 0) sum.flagged++;
  }
  const { flagged, ...told } = sum;
  return {
    ...told,
    ...ratio(share(sum.hit, sum.hit + sum.falseLines), share(sum.hit, sum.credentials)),
    negativesFlagged: 1000 * share(flagged, sum.negatives),
  };
}

function touches({ line, endLine }: Finding, label: LineLabel): boolean {
  return label.line <= endLine && (label.lineEnd ?? label.line) >= line;
}
