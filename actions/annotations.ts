// Findings as annotations on the lines of a change. The runner shows ten of each level a step; the worst come first, and
// the rest stands in the log.
import { plural } from '../core/duration.ts';
import type { Finding } from '../scanners/finding.ts';
import type { JudgedFinding, Level } from './judgement.ts';
import { commandLine, plainLine } from './workflow-command.ts';

/** What the runner shows of each level. */
export const annotationsPerLevel = 10;
/** Lines of the log for what has no annotation. */
const mostLines = 1000;

export interface Annotated {
  readonly lines: string;
  /** Findings without an annotation of their own. */
  readonly left: number;
}

/** How a path is shown, and whether it is one of a file. */
export interface Places {
  readonly shown: (path: string) => string;
  readonly isFile: (path: string) => boolean;
}

/** Writes findings, the worst first, as commands and plain lines. */
export function annotate(findings: readonly JudgedFinding[], places: Places): Annotated {
  const used: Record<Level, number> = { error: 0, warning: 0, notice: 0 };
  const commands: string[] = [];
  const left: JudgedFinding[] = [];
  for (const judged of findings) {
    used[judged.level] += 1;
    if (used[judged.level] > annotationsPerLevel) left.push(judged);
    else commands.push(annotation(judged, places));
  }
  const lines = left
    .slice(0, mostLines)
    .map(({ finding, level }) => plainLine(`${level}: ${sentence(finding, places)}`));
  if (left.length > mostLines)
    lines.push(plainLine(`and ${plural(left.length - mostLines, 'finding')} more`));
  return { lines: [...commands, ...lines].join(''), left: left.length };
}

function annotation({ finding, level }: JudgedFinding, places: Places): string {
  const place = placeOf(finding, places);
  const title = `Forgeguard: ${finding.rule}`;
  const text = place === undefined ? sentence(finding, places) : described(finding);
  return commandLine(level, { ...place, title }, text);
}

/** Where the forge shows it. A name that holds a value, and what is no file, have no place. */
function placeOf(
  { path, line, column, endLine, endColumn }: Finding,
  places: Places,
): Readonly<Record<string, string | number | undefined>> | undefined {
  if (!places.isFile(path) || places.shown(path) !== path) return undefined;
  const [file = path, ...inner] = path.split('!');
  if (inner.length > 0) return { file, line: 1 };
  // Columns are read only where the lines are one; `endColumn` is the last character there.
  const columns = line === endLine ? { col: column, endColumn: Math.max(column, endColumn - 1) } : {};
  return { file, line, endLine, ...columns };
}

function sentence(finding: Finding, places: Places): string {
  return `${places.shown(finding.path)}:${finding.line}:${finding.column}: ${finding.rule}: ${described(finding)}`;
}

function described({ message, masked, severity, confidence }: Finding): string {
  const shape = masked === '' ? '' : ` It looks like ${masked}.`;
  return `${message}${shape} (${severity}, ${Math.round(confidence * 100)} % sure)`;
}
