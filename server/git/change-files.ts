// Scans the files of a change as they are after it, and tells what of the findings the files of before held already.
import { GuardError } from '../../core/errors.ts';
import type { Finding } from '../../scanners/finding.ts';
import type { ScanService } from '../../core/services.ts';
import type { Limits } from '../config.ts';
import { fetchMissing } from './missing-objects.ts';
import { machineCodeHead } from './machine-code.ts';
import type { ObjectReader } from './object-reader.ts';
import { ScanBacklog } from './scan-backlog.ts';
import { checkMachineCode, checkSpecialBlob } from './special-blobs.ts';
import type { FileVersion, TreeChange } from './tree-diff.ts';
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

interface Version extends FileVersion {
  readonly path: string;
}

const wholeBytes = 8 * 1024 * 1024;
/** Deleted files that are looked at for what was moved elsewhere. */
const mostDeleted = 500;
const submodule = '160000';
const symlink = '120000';

/** Scans what the changes bring. Rejects with `git/limit` and `scan/failed`. */
export async function scanFiles(
  services: Services,
  workshop: Workshop,
  changes: readonly TreeChange[],
  signal: AbortSignal,
): Promise<ScannedFiles> {
  const after = changes.flatMap(({ path, new: version }) => versionsOf(path, version));
  const scanned = await scanVersions(services, workshop, after, signal);
  const suspect = new Set([...scanned.findings].flatMap(([path, found]) => (found.length > 0 ? [path] : [])));
  if (suspect.size === 0) return { introduced: [], before: [], bytes: scanned.bytes };
  const deleted = changes.filter(({ change }) => change === 'delete').slice(0, mostDeleted);
  const compared = [...changes.filter(({ path }) => suspect.has(path)), ...deleted];
  const old = compared.flatMap(({ path, old: version }) => versionsOf(path, version));
  const known = await scanVersions(services, workshop, old, signal);
  // What a file lost may have gone to another one.
  const moved = tally(deleted.flatMap(({ path }) => known.findings.get(path) ?? []));
  const introduced: ChangedFile[] = [];
  const before: ChangedFile[] = [];
  for (const path of suspect) {
    const held = tally(known.findings.get(path) ?? []);
    for (const finding of scanned.findings.get(path) ?? [])
      (take(held, finding) || take(moved, finding) ? before : introduced).push({ path, finding });
  }
  return { introduced, before, bytes: scanned.bytes };
}

interface Services {
  readonly scanner: ScanService;
  readonly limits: Limits;
}

function versionsOf(path: string, version: FileVersion | null): readonly Version[] {
  return version === null || version.mode === submodule ? [] : [{ path, ...version }];
}

const keyOf = ({ rule, fingerprint }: Finding): string => `${rule} ${fingerprint}`;

function tally(findings: readonly Finding[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const finding of findings) counts.set(keyOf(finding), (counts.get(keyOf(finding)) ?? 0) + 1);
  return counts;
}

/** True where there is one more of it, which is then used up. */
function take(counts: Map<string, number>, finding: Finding): boolean {
  const left = counts.get(keyOf(finding)) ?? 0;
  if (left > 0) counts.set(keyOf(finding), left - 1);
  return left > 0;
}

interface Scanned {
  /** By path, in the order of the lines. */
  readonly findings: ReadonlyMap<string, readonly Finding[]>;
  readonly bytes: number;
}

async function scanVersions(
  services: Services,
  workshop: Workshop,
  versions: readonly Version[],
  signal: AbortSignal,
): Promise<Scanned> {
  const findings = new Map<string, readonly Finding[]>();
  if (versions.length === 0) return { findings, bytes: 0 };
  const reader = await workshop.reader(signal);
  const sizes = await fetchMissing(workshop, reader, [...new Set(versions.map(({ oid }) => oid))], signal);
  const sizeOf = ({ oid }: Version): number => sizes.get(oid) ?? 0;
  const bytes = versions.reduce((sum, version) => sum + sizeOf(version), 0);
  if (bytes > services.limits.unpackedBytes)
    throw new GuardError('git/limit', 'the files of the change are larger than limits.unpackedBytes allows');
  const tooLong = versions.find(({ path }) => Buffer.byteLength(path) > services.limits.pathBytes);
  if (tooLong !== undefined)
    throw new GuardError(
      'git/limit',
      `a path is longer than ${services.limits.pathBytes} bytes (limits.pathBytes)`,
    );
  const keep = (path: string, found: readonly Finding[]): void => {
    if (found.length > 0) findings.set(path, inOrder([...(findings.get(path) ?? []), ...found]));
  };
  await scanSmall(
    services,
    reader,
    versions.filter((version) => sizeOf(version) <= wholeBytes),
    keep,
    signal,
  );
  for (const version of versions)
    if (sizeOf(version) > wholeBytes) await scanLarge(services, reader, version, keep, signal);
  return { findings: new Map([...findings].toSorted(([left], [right]) => (left < right ? -1 : 1))), bytes };
}

function inOrder(findings: readonly Finding[]): readonly Finding[] {
  return findings.toSorted((left, right) => left.line - right.line || left.column - right.column);
}

type Keep = (path: string, found: readonly Finding[]) => void;

const targetOf = ({ mode, path }: Version) => ({ kind: mode === symlink ? 'names' : 'file', path }) as const;

async function scanSmall(
  { scanner }: Services,
  reader: ObjectReader,
  versions: readonly Version[],
  keep: Keep,
  signal: AbortSignal,
): Promise<void> {
  const backlog = new ScanBacklog(signal);
  let at = 0;
  for await (const read of reader.contents(versions.map(({ oid }) => oid))) {
    const version = versions[at];
    at += 1;
    if (version === undefined || read === undefined)
      throw new GuardError('upstream/invalid', 'the upstream did not send a file of the change');
    const { path, mode, oid } = version;
    keep(path, checkSpecialBlob(path, mode === symlink, read.data));
    if (read.data.length === 0) continue;
    await backlog.add(read.data.length, async () => {
      keep(path, (await scanner.scan(targetOf(version), read.data, signal, oid)).findings);
    });
  }
  await backlog.drain();
}

async function scanLarge(
  { scanner }: Services,
  reader: ObjectReader,
  version: Version,
  keep: Keep,
  signal: AbortSignal,
): Promise<void> {
  const { path, oid } = version;
  let isFirst = true;
  async function* read(): AsyncGenerator<Uint8Array> {
    for await (const chunk of reader.stream(oid)) {
      if (isFirst) keep(path, checkMachineCode(path, chunk.subarray(0, machineCodeHead)));
      isFirst = false;
      yield chunk;
    }
  }
  keep(path, (await scanner.scanStream(targetOf(version), read(), signal, oid)).findings);
}
