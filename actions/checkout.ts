// The runner's checkout as a working copy. It belongs to the job, so Git may use the credentials that it was made with;
// in a container it often belongs to another user of the machine.
import { GuardError } from '../core/errors.ts';
import { openWorkingCopy, tryGit, type WorkingCopy } from '../workcopy/working-copy.ts';
import type { Environment } from './environment.ts';

/** What Git needs to reach the forge from behind a proxy. */
const proxies = ['http_proxy', 'HTTP_PROXY', 'https_proxy', 'HTTPS_PROXY', 'no_proxy', 'NO_PROXY'];
const longestFile = 1024 * 1024;

/** Opens the checkout. Rejects with `action/no-checkout` where there is none. */
export async function openCheckout(directory: string, env: Environment): Promise<WorkingCopy> {
  const copy = await openWorkingCopy(directory, {}).catch(() => undefined);
  if (copy === undefined)
    throw new GuardError('action/no-checkout', 'the workspace is no checkout of a repository');
  const { GIT_NO_LAZY_FETCH: _, ...environment } = copy.environment;
  const told = Object.fromEntries(
    proxies.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]] as const])),
  );
  return { ...copy, environment: { ...environment, ...told } };
}

/** The text of a file as it stands in a commit, or undefined where it has none. Rejects with `input/invalid` where it is too large. */
export async function readAt(copy: WorkingCopy, commit: string, path: string): Promise<string | undefined> {
  const name = `${commit}:${path}`;
  const size = await tryGit(copy, ['cat-file', '-s', name]);
  if (size.code !== 0) return undefined;
  if (Number(Buffer.from(size.stdout).toString('latin1')) > longestFile)
    throw new GuardError('input/invalid', `the file ${path} is larger than ${longestFile} bytes`);
  const { code, stdout } = await tryGit(copy, ['cat-file', 'blob', name]);
  return code === 0 ? Buffer.from(stdout).toString('utf8') : undefined;
}

/** Those of the paths that differ between two commits. */
export async function changedPaths(
  copy: WorkingCopy,
  from: string,
  to: string,
  paths: readonly string[],
): Promise<readonly string[]> {
  const changed: string[] = [];
  for (const path of paths) {
    const args = [
      'diff',
      '--quiet',
      '--no-ext-diff',
      '--no-textconv',
      from,
      to,
      '--',
      `:(top,literal)${path}`,
    ];
    if ((await tryGit(copy, args)).code === 1) changed.push(path);
  }
  return changed;
}
