// `.gitmodules` files that a push names but does not bring are on the upstream already; they still must pass fsck,
// because a file that was harmless under another name is not harmless under this one.
import { join } from 'node:path';
import { GuardError } from '../../core/errors.ts';
import { type ObjectFormat, parseOid } from '../../core/oid.ts';
import type { HistoryLease } from './history.ts';
import { runGit } from './process.ts';
import type { Pack, Quarantine } from './quarantine.ts';
import type { GitRemote } from './upstream.ts';

/** Fetches and checks them, each blob once. Rejects with `git/bad-pack` where fsck refuses one. */
export async function checkGitmodules(
  quarantine: Quarantine,
  pack: Pack,
  history: HistoryLease,
  remote: GitRemote,
  signal: AbortSignal,
): Promise<void> {
  const format: ObjectFormat = quarantine.objectFormat;
  const unchecked = pack.uncheckedGitmodules.filter((oid) => !history.checkedGitmodules.has(oid));
  const oids = unchecked.map((oid) => parseOid(oid, format)).filter((oid) => oid !== undefined);
  if (oids.length === 0) return;
  await history.fetchTrees(remote, oids, signal);
  const args = ['index-pack', '--fsck-objects', '-o', join(quarantine.path, 'check.idx'), '--', pack.path];
  const result = await runGit(args, { cwd: quarantine.path, env: quarantine.environment(), signal });
  const stillMissing = Buffer.from(result.stdout).toString('latin1').trimEnd().split('\n').slice(1);
  if (result.code !== 0 || stillMissing.some((oid) => unchecked.includes(oid))) {
    throw new GuardError('git/bad-pack', 'a .gitmodules file that the push names was refused by fsck');
  }
  for (const oid of unchecked) history.checkedGitmodules.add(oid);
}
