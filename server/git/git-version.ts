// Which Git is installed decides how histories with old faults are checked.
import { tmpdir } from 'node:os';
import { GuardError } from '../../core/errors.ts';
import { runGit } from './process.ts';

export interface GitVersion {
  readonly major: number;
  readonly minor: number;
}

/** Oldest Git that has `cat-file --batch-command`. */
export const oldestGit: GitVersion = { major: 2, minor: 36 };

/** Asks the installed Git. Rejects with `internal` where there is none or where it is too old. */
export async function readGitVersion(): Promise<GitVersion> {
  const { stdout } = await runGit(['version'], { cwd: tmpdir() });
  const found = /(\d+)\.(\d+)/.exec(Buffer.from(stdout).toString('latin1'));
  const version = { major: Number(found?.[1] ?? 0), minor: Number(found?.[2] ?? 0) };
  if (isAtLeast(version, oldestGit)) return version;
  throw new GuardError(
    'internal',
    `git ${oldestGit.major}.${oldestGit.minor} or newer is needed; install it with the system's packages`,
  );
}

/** True where `version` is `wanted` or newer. */
export function isAtLeast(version: GitVersion, wanted: GitVersion): boolean {
  return version.major > wanted.major || (version.major === wanted.major && version.minor >= wanted.minor);
}
