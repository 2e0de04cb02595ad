// From a judgement to what a check says: the verdict and what to do in the summary, the places in the annotations, the
// rest in the details. Values are in none of it.
import type { ChangeFinding } from '../../core/change-scan.ts';
import type { Reason } from '../../core/verdict.ts';
import type { Annotation, CheckContent, Conclusion } from './check-content.ts';
import { decisions, rescan } from './check-content.ts';
import type { HeldState } from './held-state.ts';
import type { Judged, Told } from './judge-change.ts';
import { cell, code, oneLine } from '../markdown.ts';

export interface Report {
  readonly judged: Judged;
  /** Undefined where nothing waits or waited for people. */
  readonly held: HeldState | undefined;
  /** What became of the last button that was pressed. */
  readonly notice: string | null;
}

const mostListed = 50;
const mostAnnotations = 1_000;

/** The check of a change that was judged. */
export function reportOf(report: Report): CheckContent {
  const { judged, held, notice } = report;
  const { conclusion, title, lead } = headline(report);
  const blamed = blameOf(judged);
  const isOpen = held?.state === 'waiting';
  return {
    conclusion,
    title,
    summary: [
      ...(notice === null ? [] : [`> ${notice}`]),
      lead,
      ...(isOpen ? [held.waitsFor] : []),
      ...(blamed.length === 0 ? [] : [findingTable(judged, blamed)]),
      ...advice(judged, blamed),
    ].join('\n\n'),
    text: details(judged),
    annotations: blamed.flatMap((index) => annotationOf(judged, index)).slice(0, mostAnnotations),
    actions: [...(isOpen ? decisions : []), rescan],
    detailsUrl: held?.url ?? null,
  };
}

interface Headline {
  readonly conclusion: Conclusion;
  readonly title: string;
  readonly lead: string;
}

function headline({ judged, held }: Report): Headline {
  const { verdict } = judged;
  const rules = reasonList(verdict.reasons);
  switch (verdict.kind) {
    case 'deny':
      return { conclusion: 'failure', title: refusalTitle(judged), lead: rules };
    case 'redact':
      return {
        conclusion: 'failure',
        title: refusalTitle(judged),
        lead: `${rules}\n\nIn a pull request nothing can be replaced for you: change it and push again.`,
      };
    case 'hold':
      return { conclusion: held?.conclusion ?? 'failure', title: held?.title ?? 'Not approved', lead: rules };
    case 'allow':
      return verdict.monitored.length > 0
        ? {
            conclusion: 'neutral',
            title: 'Only watched: a rule in monitor mode would have acted',
            lead: reasonList(verdict.monitored),
          }
        : {
            conclusion: 'success',
            title: 'Nothing was found',
            lead: `${judged.scan.paths.length} files, ${judged.scan.size.commits} commits and the texts of the pull request were scanned.`,
          };
  }
}

function refusalTitle({ verdict }: Judged): string {
  const count = new Set(
    verdict.reasons.flatMap(({ action, findings }) =>
      action === 'deny' || action === 'redact' ? findings : [],
    ),
  ).size;
  if (count === 0) return 'The policy does not allow this change';
  return count === 1 ? '1 finding must be removed' : `${count} findings must be removed`;
}

function reasonList(reasons: readonly Reason[]): string {
  return reasons.map(({ rule, message }) => `- **${cell(rule)}**: ${cell(message)}`).join('\n');
}

/** Indexes of the findings that some rule acts on or would act on. */
function blameOf({ verdict }: Judged): readonly number[] {
  const reasons = [...verdict.reasons, ...verdict.monitored];
  return [...new Set(reasons.flatMap(({ findings }) => findings))].toSorted((left, right) => left - right);
}

function findingTable({ told }: Judged, blamed: readonly number[]): string {
  const rows = blamed.slice(0, mostListed).flatMap((index) => {
    const found = told[index];
    if (found === undefined) return [];
    const { rule, severity, masked } = found.finding;
    return [`| ${placeOf(found)} | ${cell(rule)} | ${severity} | ${code(masked, 60)} |`];
  });
  const more = blamed.length > rows.length ? [`| … and ${blamed.length - rows.length} more | | | |`] : [];
  return ['| where | what | severity | looks like |', '| --- | --- | --- | --- |', ...rows, ...more].join(
    '\n',
  );
}

function placeOf({ place, label, url, finding, commit }: Told): string {
  const since = commit === undefined ? '' : ` of ${code(commit.slice(0, 12))}, still in the history`;
  if (place === 'file') return `${code(finding.path)} line ${finding.line}${since}`;
  if (place === 'path name') return `name of ${code(finding.path)}${since}`;
  if (place === 'text') return url === null ? label : `[${label}](${url})`;
  return `${place} of ${code((commit ?? '').slice(0, 12))}`;
}

const landing =
  'What a later commit took away is still in an earlier one, and this repository can merge with every commit: make one commit of them (`git reset --soft` to where the branch began, then commit and force the push) or rewrite the branch. Where the branch can only be squashed, earlier commits do not land.';

const passingBy =
  'Earlier commits hold more, which later ones took away. The target branch takes squashed commits alone, so it does not land; it stays readable at GitHub with the branch.';

function advice({ verdict, told, passing }: Judged, blamed: readonly number[]): readonly string[] {
  const note = passing.length === 0 ? [] : [passingBy];
  if (verdict.kind !== 'deny' && verdict.kind !== 'redact') return note;
  const inTexts = told.some(({ place }) => place === 'text');
  const hasSecret = told.some(({ finding }) => finding.category === 'secret');
  const isEarlier = blamed.some((index) => isFormer(told[index]));
  return [
    'Remove the values and push again; the check looks at every new commit by itself.',
    ...(isEarlier ? [landing] : []),
    ...note,
    ...(inTexts
      ? ['A text is looked at again when it is edited; its history stays readable at GitHub.']
      : []),
    ...(hasSecret ? ['A credential that was pushed is known: revoke it where it was issued.'] : []),
  ];
}

/** True for what stands in an earlier commit and not in the result. */
function isFormer(found: Told | undefined): boolean {
  return (found?.place === 'file' || found?.place === 'path name') && found.commit !== undefined;
}

function details({ verdict, told, passing, scan }: Judged): string {
  const excused = verdict.excused.map(({ finding, exception }) => {
    const found = told[finding];
    return found === undefined ? '' : `- ${placeOf(found)}: excused by ${code(exception)}`;
  });
  return [
    `Policy ${code(verdict.policyDigest.slice(0, 16))}. ${scan.paths.length} files, ${scan.size.commits} commits.`,
    ...section('Excused by an exception of the policy', excused),
    ...section('Was there before this change', scan.before.map(oldLine)),
    ...section(
      'In an earlier commit, which does not land',
      passing.map(({ place, finding, commit }) => {
        const where = placeOf({ finding, place, commit, label: place, url: null });
        return `- ${where}: ${cell(finding.rule)}, ${code(finding.masked, 60)}`;
      }),
    ),
    ...section(
      'Watched by rules in monitor mode',
      verdict.monitored.map(({ rule, message }) => `- ${cell(rule)}: ${cell(message)}`),
    ),
  ].join('\n\n');
}

function oldLine({ finding }: ChangeFinding): string {
  return `- ${code(finding.path)} line ${finding.line}: ${cell(finding.rule)}, ${code(finding.masked, 60)}`;
}

function section(title: string, lines: readonly string[]): readonly string[] {
  if (lines.length === 0) return [];
  const shown = lines.slice(0, mostListed * 2);
  const more = lines.length > shown.length ? [`- … and ${lines.length - shown.length} more`] : [];
  return [`### ${title}\n\n${[...shown, ...more].join('\n')}`];
}

function annotationOf({ verdict, told, scan }: Judged, index: number): readonly Annotation[] {
  const found = told[index];
  // A line of an earlier commit is none of the result.
  if (found === undefined || found.place !== 'file' || isFormer(found)) return [];
  const { finding } = found;
  const own = scan.paths.find(({ path }) => path === finding.path);
  // What stands inside an archive is shown at the archive.
  const path = own?.path ?? scan.paths.find((each) => finding.path.startsWith(`${each.path}!`))?.path;
  if (path === undefined) return [];
  const isDenied = verdict.reasons.some(
    ({ action, findings }) => (action === 'deny' || action === 'redact') && findings.includes(index),
  );
  const isOneLine = own !== undefined && finding.line === finding.endLine;
  return [
    {
      path,
      start_line: own === undefined ? 1 : finding.line,
      end_line: own === undefined ? 1 : finding.endLine,
      ...(isOneLine && finding.endColumn > finding.column
        ? { start_column: finding.column, end_column: finding.endColumn }
        : {}),
      annotation_level: isDenied ? 'failure' : 'warning',
      title: oneLine(finding.rule, 250),
      message: oneLine(`${finding.message} It looks like ${finding.masked}.`, 2_000),
    },
  ];
}

/** The check of a change that could not be judged: nothing passes that was not looked at. */
export function failureReport(message: string, errorCode: string): CheckContent {
  return {
    conclusion: 'failure',
    title: 'The change could not be checked',
    summary: `${cell(message)} [${errorCode}]\n\nNothing passes that was not looked at. **Re-scan** tries again.`,
    text: '',
    annotations: [],
    actions: [rescan],
    detailsUrl: null,
  };
}
