// Logs and artifacts of workflows, as a replay on a terminal tells them. Names come from outside; values are masked.
import type { ArtifactStep, LogStep } from '../core/activity/replay.ts';

const deletions: Readonly<Record<LogStep['deletion'], string>> = {
  none: 'not deleted at the forge',
  began: 'it is not known whether it was deleted at the forge',
  failed: 'could not be deleted at the forge',
  done: 'deleted at the forge',
};

/** What stands above the step. */
export function itemTitle(step: LogStep | ArtifactStep): string {
  const what = step.kind === 'log' ? 'log of the job' : 'artifact';
  return `${what} ${step.title ?? ''} of run ${step.run ?? 'not known'} in ${step.repository ?? 'nothing'}`;
}

/** The step's lines. */
export function itemLines(step: LogStep | ArtifactStep): readonly string[] {
  const until = step.exposedUntil === null ? 'and still' : `to ${step.exposedUntil}`;
  return [
    ...(step.why === null ? [] : [`  unread    nobody could look at it: ${step.why}`]),
    ...(step.isCut ? [`  cut       only the first ${step.bytes ?? 0} bytes were looked at`] : []),
    ...step.decisions.flatMap(({ verdict, rules, policyDigest }) => [
      `  decided   ${verdict} by policy ${policyDigest.slice(0, 12)}`,
      ...rules.map(({ rule, action }) => `            ${action} by ${rule}`),
    ]),
    ...step.findings.map(
      ({ rule, path, line, column, masked }) => `  found     ${rule}  ${path}:${line}:${column}  ${masked}`,
    ),
    ...(step.findingCount > step.findings.length ? [`  found     ${step.findingCount} in all`] : []),
    ...(step.exposedSince === null ? [] : [`  readable  from ${step.exposedSince} ${until}`]),
    ...(step.exposedSince === null ? [] : [`  deletion  ${deletions[step.deletion]}`]),
    ...(step.kind === 'log' ? recordingLines(step) : fileLines(step.files)),
  ];
}

function recordingLines({ recording, request }: LogStep): readonly string[] {
  if (recording === null) return [];
  const parts = recording.isWhole ? '' : ', not whole';
  return [
    `  recording kept in ${recording.digests.length} parts${parts}: forgeguard session recording … ${request}`,
  ];
}

function fileLines(files: ArtifactStep['files']): readonly string[] {
  if (files.kind === 'missing') return ['  files     no list was kept'];
  if (files.kind !== 'kept') return [`  files     the list is ${files.kind} (SHA-256 ${files.digest})`];
  const more = files.total - files.files.length;
  return [
    `  files     ${files.total}, list with SHA-256 ${files.digest}`,
    ...files.files.map(
      ({ path, size, sha256, findings, rules }) =>
        `    ${String(size).padStart(12)}  ${sha256?.slice(0, 12) ?? '-'.repeat(12)}  ${path}${findings === 0 ? '' : `  ${findings} findings: ${rules.join(', ')}`}`,
    ),
    ...(more > 0 ? [`    (and ${more} more files)`] : []),
  ];
}
