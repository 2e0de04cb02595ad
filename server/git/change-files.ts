// Scans the files of a change as they are after it, and tells what of the findings the files of before held already.
import type { Finding } from '../../scanners/finding.ts';
import { scanVersions, versionKey, type VersionServices, versionsOf } from './scan-versions.ts';
import type { TreeChange } from './tree-diff.ts';
import type { Workshop } from './workshop.ts';

/** A finding in a file; its own path may go on into an archive. */
export interface ChangedFile {
  readonly path: string;
  readonly finding: Finding;
}

export interface ScannedFiles {
  readonly introduced: readonly ChangedFile[];
  readonly before: readonly ChangedFile[];
  /** Bytes of all files as they are after the change. */
  readonly bytes: number;
}

/** Deleted files that are looked at for what was moved elsewhere. */
export const mostDeleted = 500;

/** Scans what the changes bring. Rejects with `git/limit` and `scan/failed`. */
export async function scanFiles(
  services: VersionServices,
  workshop: Workshop,
  changes: readonly TreeChange[],
  signal: AbortSignal,
): Promise<ScannedFiles> {
  const after = changes.flatMap(({ path, new: version }) => versionsOf(path, version));
  const scanned = await scanVersions(services, workshop, after, signal);
  const suspects = after.filter((version) => scanned.findings.has(versionKey(version)));
  if (suspects.length === 0) return { introduced: [], before: [], bytes: scanned.bytes };
  const isSuspect = new Set(suspects.map(({ path }) => path));
  const deleted = changes.filter(({ change }) => change === 'delete').slice(0, mostDeleted);
  const compared = [...changes.filter(({ path }) => isSuspect.has(path)), ...deleted];
  const old = compared.flatMap(({ path, old: version }) => versionsOf(path, version));
  const known = await scanVersions(services, workshop, old, signal);
  const heldBy = Map.groupBy(old, ({ path }) => path);
  const foundAt = (path: string): readonly Finding[] =>
    (heldBy.get(path) ?? []).flatMap((version) => known.findings.get(versionKey(version)) ?? []);
  // What a file lost may have gone to another one.
  const moved = tally(deleted.flatMap(({ path }) => foundAt(path)));
  const introduced: ChangedFile[] = [];
  const before: ChangedFile[] = [];
  for (const version of suspects) {
    const { path } = version;
    const held = tally(foundAt(path));
    for (const finding of scanned.findings.get(versionKey(version)) ?? [])
      (take(held, finding) || take(moved, finding) ? before : introduced).push({ path, finding });
  }
  return { introduced, before, bytes: scanned.bytes };
}

/** Names a value under a rule, wherever it stands. */
export const valueKey = ({ rule, fingerprint }: Finding): string => `${rule} ${fingerprint}`;

function tally(findings: readonly Finding[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const finding of findings) counts.set(valueKey(finding), (counts.get(valueKey(finding)) ?? 0) + 1);
  return counts;
}

/** True where there is one more of it, which is then used up. */
function take(counts: Map<string, number>, finding: Finding): boolean {
  const left = counts.get(valueKey(finding)) ?? 0;
  if (left > 0) counts.set(valueKey(finding), left - 1);
  return left > 0;
}
