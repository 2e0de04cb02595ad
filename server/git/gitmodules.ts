// `.gitmodules` files that a push names but does not bring are on the upstream already; they still must pass fsck,
// because a file that was harmless under another name is not harmless under this one.
import { GuardError } from '../../core/errors.ts';
import { type Oid, parseOid } from '../../core/oid.ts';
import type { HistoryLease } from './history.ts';
import { runGit } from './process.ts';
import type { Pack, Quarantine } from './quarantine.ts';
import type { GitRemote } from './gateway.ts';

const maxBytes = 16 * 1024 * 1024;

/** Fetches and checks them, each blob once. Rejects with `git/bad-pack` where fsck refuses one. */
export async function checkGitmodules(
  quarantine: Quarantine,
  pack: Pack,
  history: HistoryLease,
  remote: GitRemote,
  signal: AbortSignal,
): Promise<void> {
  const oids = pack.uncheckedGitmodules
    .filter((oid) => !history.checkedGitmodules.has(oid))
    .map((oid) => parseOid(oid, quarantine.objectFormat))
    .filter((oid) => oid !== undefined);
  if (oids.length === 0) return;
  await history.fetchTrees(remote, oids, signal);
  if (!(await passFsck(quarantine, oids, signal))) {
    throw new GuardError('git/bad-pack', 'a .gitmodules file that the push names was refused by fsck');
  }
  for (const oid of oids) history.checkedGitmodules.add(oid);
}

/** Puts each blob into a tree that names it `.gitmodules`, and has these few objects indexed with fsck. */
async function passFsck(
  quarantine: Quarantine,
  blobs: readonly Oid[],
  signal: AbortSignal,
): Promise<boolean> {
  const options = { cwd: quarantine.path, env: quarantine.environment(), signal, maxBytes };
  const entries = blobs.map((oid) => `100644 blob ${oid}\t.gitmodules\n`).join('\n');
  const trees = await runGit(['mktree', '--batch', '--missing'], { ...options, input: Buffer.from(entries) });
  if (trees.code !== 0) return false;
  const input = Buffer.concat([trees.stdout, Buffer.from(blobs.map((oid) => `${oid}\n`).join(''))]);
  const packed = await runGit(['pack-objects', '--stdout', '--quiet'], { ...options, input });
  if (packed.code !== 0) return false;
  const indexed = await runGit(['index-pack', '--stdin', '--fsck-objects'], {
    ...options,
    input: packed.stdout,
  });
  return indexed.code === 0;
}
