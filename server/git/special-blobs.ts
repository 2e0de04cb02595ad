// Blobs that mean more than their bytes: a symbolic link's target, and a Git LFS pointer whose content travels apart.
import { posix } from 'node:path';
import type { Finding } from '../../scanners/finding.ts';
import { policyFinding } from './located-finding.ts';

const lfsPointerCap = 1024;
const lfsVersion = Buffer.from('version https://git-lfs.github.com/spec/v1');

/** A finding where the blob is a link out of the tree or a pointer to content that was not scanned here. */
export function checkSpecialBlob(path: string, isSymlink: boolean, data: Uint8Array): Finding | undefined {
  if (isSymlink) {
    const target = Buffer.from(data.buffer, data.byteOffset, Math.min(data.byteLength, 4096)).toString(
      'utf8',
    );
    return leavesTree(path, target)
      ? policyFinding(
          'policy/symlink-escape',
          'high',
          path,
          'The symbolic link points out of the repository. Point it inside.',
        )
      : undefined;
  }
  if (data.length <= lfsPointerCap && lfsVersion.equals(data.subarray(0, lfsVersion.length))) {
    return policyFinding(
      'policy/lfs-unscanned',
      'high',
      path,
      'A Git LFS pointer: its content does not travel with the push and was not scanned. Commit the file itself or leave it out.',
    );
  }
  return undefined;
}

/** True where a link at `path` with this target leads out of the repository's root, or could on some system. */
export function leavesTree(path: string, target: string): boolean {
  const slashed = target.replaceAll('\\', '/');
  if (slashed.startsWith('/') || /^[A-Za-z]:/.test(slashed)) return true;
  const joined = posix.normalize(posix.join(posix.dirname(path), slashed));
  return joined === '..' || joined.startsWith('../');
}
