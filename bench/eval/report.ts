// How the figures are printed.
import type { Finding } from '../../scanners/finding.ts';
import type { LabelledSet } from './labels.ts';
import type { LineScore } from './score-lines.ts';
import type { SpanScore } from './score-spans.ts';
import { share } from './ratio.ts';
import type { FolderScan } from './scan-folder.ts';

export interface Scored {
  readonly threshold: number;
  readonly score: SpanScore | LineScore;
}

/** Rules that flag most files are told first. */
const rulesTold = 12;

function fixed(value: number): string {
  return Number.isNaN(value) ? '  -  ' : value.toFixed(3);
}

/** Lines about one labelled set. */
export function tellSet(set: LabelledSet, scan: FolderScan, scores: readonly Scored[]): readonly string[] {
  const speed = scan.bytes / 1e6 / scan.seconds;
  const head = `${set.name}: ${scan.files} files, ${(scan.bytes / 1e6).toFixed(2)} MB, ${speed.toFixed(1)} MB/s`;
  return ['', head, ...scores.flatMap(({ threshold, score }) => tellScore(threshold, score))];
}

function tellScore(threshold: number, score: SpanScore | LineScore): readonly string[] {
  const figures = `  ${threshold.toFixed(2)}  precision ${fixed(score.precision)}  recall ${fixed(score.recall)}  F1 ${fixed(score.f1)}`;
  const negatives =
    score.negatives === 0
      ? ''
      : `  flagged of 1,000 files without any ${score.negativesFlagged.toFixed(1)} (${score.negatives} files)`;
  if ('credentials' in score)
    return [
      `${figures}  lines ${score.hit} of ${score.credentials}, ${score.falseLines} false (${score.falseOnLabelled} labelled)${negatives}`,
    ];
  return [
    `${figures}  documents ${score.documentsCaught} of ${score.documents}${negatives}`,
    `        ${score.true} true, ${score.false} false, ${score.ignored} ignored; strict F1 ${fixed(score.strict.f1)}; typed recall ${fixed(score.typedRecall)}` +
      (score.narrative === 0 ? '' : `; in narrative ${score.narrativeFound} of ${score.narrative}`),
    ...Object.entries(score.byIdentifier).map(
      ([identifier, of]) =>
        `        ${identifier.padEnd(12)} precision ${fixed(of.precision)}  recall ${fixed(of.recall)}  F1 ${fixed(of.f1)}  of ${of.labels}`,
    ),
  ];
}

export interface FolderFigures {
  readonly threshold: number;
  /** Files with a finding of at least medium severity, per 1,000. */
  readonly phi: number;
  readonly secret: number;
  readonly policy: number;
  /** How many files each rule flags. */
  readonly rules: Readonly<Record<string, number>>;
}

/** What a folder without labels comes to: everything in it counts as false. */
export function measureFolder(scan: FolderScan, threshold: number): FolderFigures {
  const flagged = { phi: 0, secret: 0, policy: 0 };
  const rules: Record<string, number> = {};
  for (const findings of scan.findings.values()) {
    const counted = findings.filter((finding) => blocks(finding, threshold));
    for (const category of new Set(counted.map((finding) => finding.category))) flagged[category]++;
    for (const rule of new Set(counted.map((finding) => finding.rule))) rules[rule] = (rules[rule] ?? 0) + 1;
  }
  const per1000 = (count: number) => 1000 * share(count, scan.files);
  return {
    threshold,
    phi: per1000(flagged.phi),
    secret: per1000(flagged.secret),
    policy: per1000(flagged.policy),
    rules,
  };
}

function blocks({ confidence, severity }: Finding, threshold: number): boolean {
  return confidence >= threshold && severity !== 'low';
}

/** Lines about a folder without labels. */
export function tellFolder(
  name: string,
  scan: FolderScan,
  figures: readonly FolderFigures[],
): readonly string[] {
  return [
    '',
    `${name}: ${scan.files} files without labels, ${(scan.bytes / 1e6).toFixed(2)} MB; files of 1,000 with a finding of medium severity or more`,
    ...figures.flatMap(({ threshold, phi, secret, policy, rules }) => [
      `  ${threshold.toFixed(2)}  phi ${phi.toFixed(2)}  secret ${secret.toFixed(2)}  policy ${policy.toFixed(2)}`,
      ...Object.entries(rules)
        .sort(([, a], [, b]) => b - a)
        .slice(0, rulesTold)
        .map(([rule, count]) => `        ${rule} in ${count} files`),
    ]),
  ];
}
