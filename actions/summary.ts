// The summary of the job: Markdown that a person reads in ten seconds. Names of files are written so that they are text
// and nothing else, whatever they hold.
import { plural } from '../core/duration.ts';
import type { Finding } from '../scanners/finding.ts';
import type { ScanProblem } from '../workcopy/scan-item.ts';
import type { Places } from './annotations.ts';
import type { Judgement } from './judgement.ts';

export interface SummaryFacts extends Judgement {
  readonly files: number;
  readonly problems: readonly ScanProblem[];
  readonly policyDigest: string;
  readonly policyName: string;
  /** Files that decide about the scan and that the change alters. */
  readonly altered: readonly string[];
  /** Remarks about this run; sentences of ours. */
  readonly notes: readonly string[];
}

const mostRows = 500;
/** The runner takes 1 MiB a step. */
const mostBytes = 900 * 1024;
const longestName = 300;

/** The summary. It keeps within what the runner takes and says what it leaves out. */
export function summarize(facts: SummaryFacts, places: Places): string {
  const failing = facts.findings.filter(({ level }) => level === 'error').length;
  const head = [
    `### Forgeguard: ${verdict(failing, facts)}`,
    '',
    `${counted(facts)} in ${plural(facts.files, 'file')}${facts.excused > 0 ? `, ${facts.excused} excused` : ''}. ` +
      `Policy: ${literal(facts.policyName)} (<code>${facts.policyDigest.slice(0, 12)}</code>).`,
    '',
    ...facts.reasons.map(({ rule, message }) => `- <b>${literal(rule)}</b>: ${literal(message)}`),
    ...facts.altered.map(
      (path) =>
        `- The change alters ${literal(path)}, which decides about this scan. What stood there before was applied.`,
    ),
    ...facts.problems
      .slice(0, 50)
      .map(({ path, reason }) => `- Not scanned: ${literal(places.shown(path))} (${literal(reason)})`),
    ...facts.notes.map((note) => `- ${literal(note)}`),
    '',
  ];
  return within(
    `${head.join('\n')}\n`,
    facts.findings.map((judged) => row(judged.finding, judged.level, places)),
  );
}

function verdict(failing: number, { problems, findings }: SummaryFacts): string {
  if (problems.length > 0) return 'not everything could be scanned';
  if (failing > 0) return `${plural(failing, 'finding')} to fix`;
  return findings.length > 0 ? 'passed, with remarks' : 'nothing found';
}

function counted({ findings }: SummaryFacts): string {
  const of = (category: Finding['category']) =>
    findings.filter(({ finding }) => finding.category === category).length;
  return `${plural(findings.length, 'finding')} (${of('phi')} PHI, ${of('secret')} secrets, ${of('policy')} policy)`;
}

function within(head: string, rows: readonly string[]): string {
  if (rows.length === 0) return head;
  let text = `${head}| | place | rule | looks like | what to do |\n| --- | --- | --- | --- | --- |\n`;
  let size = Buffer.byteLength(text);
  for (const [index, line] of rows.entries()) {
    size += Buffer.byteLength(line);
    if (index >= mostRows || size > mostBytes)
      return `${text}\nThe worst ${index} are listed, ${rows.length - index} are not; all stand in the SARIF file.\n`;
    text += line;
  }
  return `${text}\n`;
}

function row({ path, line, rule, masked, message }: Finding, level: string, places: Places): string {
  const place = places.isFile(path) ? `${literal(places.shown(path))}:${line}` : literal(places.shown(path));
  return `| ${level} | ${place} | ${literal(rule)} | ${literal(masked)} | ${literal(message)} |\n`;
}

/** Text in which no character is Markdown or HTML. */
function literal(text: string): string {
  const short = text.length > longestName ? `${text.slice(0, longestName)}…` : text;
  return short
    .replaceAll(/[\0-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, '\ufffd')
    .replaceAll(/[^\p{L}\p{N} …\ufffd]/gu, (character) => `&#${character.codePointAt(0) ?? 0xfffd};`);
}
