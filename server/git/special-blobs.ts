// Blobs that mean more than their bytes: a symbolic link's target, a Git LFS pointer whose content travels apart, a lock
// file that names strange sources, and machine code.
import { posix } from 'node:path';
import type { Finding } from '../../scanners/finding.ts';
import { unusualSources } from './dependency-sources.ts';
import { policyFinding } from './located-finding.ts';
import { machineCode, machineCodeHead } from './machine-code.ts';
import { plainText } from './plain-text.ts';

const lfsPointerCap = 1024;
const lfsVersion = Buffer.from('version https://git-lfs.github.com/spec/v1');

/** What the policy is to know of a whole blob besides the values in it. */
export function checkSpecialBlob(path: string, isSymlink: boolean, data: Uint8Array): readonly Finding[] {
  if (isSymlink) return checkLink(path, data);
  if (data.length <= lfsPointerCap && lfsVersion.equals(data.subarray(0, lfsVersion.length))) {
    const message =
      'A Git LFS pointer: its content does not travel with the push and was not scanned. Commit the file itself or leave it out.';
    return [policyFinding('policy/lfs-unscanned', 'high', path, message)];
  }
  return [...checkMachineCode(path, data.subarray(0, machineCodeHead)), ...checkSources(path, data)];
}

function checkLink(path: string, data: Uint8Array): readonly Finding[] {
  const target = Buffer.from(data.buffer, data.byteOffset, Math.min(data.byteLength, 4096)).toString('utf8');
  if (!leavesTree(path, target)) return [];
  const message = 'The symbolic link points out of the repository. Point it inside.';
  return [policyFinding('policy/symlink-escape', 'high', path, message)];
}

/** A finding where the file begins like a program. */
export function checkMachineCode(path: string, head: Uint8Array): readonly Finding[] {
  const name = machineCode(head);
  if (name === undefined) return [];
  const message = `This is ${name}, which nobody can review. Build it from source instead.`;
  return [policyFinding('policy/machine-code', 'medium', path, message)];
}

function checkSources(path: string, data: Uint8Array): readonly Finding[] {
  return unusualSources(path, data).map(({ origin, line, column }) => {
    const message = `Dependencies come from ${plainText(origin, 120)} here, and not from the public registry alone.`;
    const finding = policyFinding('policy/dependency-source', 'medium', path, message, origin);
    return { ...finding, line, endLine: line, column, endColumn: column };
  });
}

/** True where a link at `path` with this target leads out of the repository's root, or could on some system. */
export function leavesTree(path: string, target: string): boolean {
  const slashed = target.replaceAll('\\', '/');
  if (slashed.startsWith('/') || /^[A-Za-z]:/.test(slashed)) return true;
  const joined = posix.normalize(posix.join(posix.dirname(path), slashed));
  return joined === '..' || joined.startsWith('../');
}
