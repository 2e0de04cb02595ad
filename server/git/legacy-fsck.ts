// What fsck objects to in histories that are decades old and harmless today: dates, time zones and e-mail addresses
// written by early tools, file modes of early Git. Everything else that fsck refuses stays refused.
import type { GitDirectory } from './git-directory.ts';
import { GuardError } from '../../core/errors.ts';
import { runGit } from './process.ts';

/** Message ids of git-fsck(1) that do not refuse a push. */
export const toleratedMessages: readonly string[] = [
  'badDate',
  'badDateOverflow',
  'badEmail',
  'badFilemode',
  'badName',
  'badTimezone',
  'missingEmail',
  'missingNameBeforeEmail',
  'missingSpaceBeforeDate',
  'missingSpaceBeforeEmail',
  'missingTaggerEntry',
  'zeroPaddedDate',
  'zeroPaddedFilemode',
];

/** True where the first thing that fsck refused is tolerated: the pack deserves the slower, patient check. */
export function isTolerated(stderr: string): boolean {
  const id = /(?:error|fatal): object [0-9a-f]+: ([A-Za-z0-9]+):/.exec(stderr)?.[1];
  return id !== undefined && toleratedMessages.includes(id);
}

/** The argument by which Git 2.45 and newer tolerates these messages while it indexes. */
export const toleratedArgument = `=${toleratedMessages.map((id) => `${id}=ignore`).join(',')}`;

// Exit code of git-fsck(1): bit 0 an object is bad, bit 1 something is unreachable or missing, bit 2 a pack is bad.
const badObject = 1;
const badPack = 4;

/**
 * Checks the objects of a quarantine that were indexed without fsck, as Git before 2.45 needs it. Objects that the
 * upstream has are missing here, which is no fault. Returns the `.gitmodules` blobs that are not here either.
 */
export async function checkPatiently(
  directory: GitDirectory,
  signal: AbortSignal | undefined,
): Promise<readonly string[]> {
  const settings = toleratedMessages.flatMap((id) => ['-c', `fsck.${id}=ignore`]);
  const args = [
    ...settings,
    '-c',
    'fsck.gitmodulesMissing=warn',
    'fsck',
    '--strict',
    '--no-dangling',
    '--no-reflogs',
    '--no-progress',
  ];
  const result = await runGit(args, { cwd: directory.path, env: directory.environment([]), signal });
  const lines = `${Buffer.from(result.stdout).toString('latin1')}\n${result.stderr}`.split('\n');
  const missing = lines
    .map((line) => /([0-9a-f]{40,64}): gitmodulesMissing:/.exec(line)?.[1])
    .filter((oid) => oid !== undefined);
  const faults = lines.filter((line) => line.startsWith('error in ') && !line.includes('gitmodulesMissing'));
  const isBad =
    (result.code & badPack) !== 0 ||
    faults.length > 0 ||
    ((result.code & badObject) !== 0 && missing.length === 0);
  if (!isBad) return missing;
  throw new GuardError(
    'git/bad-pack',
    `the pack was not accepted: ${(faults[0] ?? 'fsck refused it').slice(0, 300)}`,
  );
}
