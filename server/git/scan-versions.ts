// Scans versions of files that are at the upstream, each under its path; what is not here is fetched at once.
import { GuardError } from '../../core/errors.ts';
import type { Finding } from '../../scanners/finding.ts';
import type { ScanService } from '../../core/services.ts';
import type { Limits } from '../config.ts';
import { fetchMissing } from './missing-objects.ts';
import { machineCodeHead } from './machine-code.ts';
import type { ObjectReader } from './object-reader.ts';
import { ScanBacklog } from './scan-backlog.ts';
import { checkMachineCode, checkSpecialBlob } from './special-blobs.ts';
import type { FileVersion } from './tree-diff.ts';
import type { Workshop } from './workshop.ts';

export interface VersionServices {
  readonly scanner: ScanService;
  readonly limits: Limits;
}

/** A file as it stands somewhere. */
export interface Version extends FileVersion {
  readonly path: string;
}

const wholeBytes = 8 * 1024 * 1024;
const submodule = '160000';
const symlink = '120000';

/** The file at this path; none for a submodule, whose content is elsewhere. */
export function versionsOf(path: string, version: FileVersion | null): readonly Version[] {
  return version === null || version.mode === submodule ? [] : [{ path, ...version }];
}

/** Names a version and no other. */
export function versionKey({ oid, mode, path }: Version): string {
  return `${oid} ${mode} ${path}`;
}

export interface ScannedVersions {
  /** By `versionKey`, in the order of the lines; those with findings only. */
  readonly findings: ReadonlyMap<string, readonly Finding[]>;
  readonly bytes: number;
}

/** Scans them all. Rejects with `git/limit` and `scan/failed`. */
export async function scanVersions(
  services: VersionServices,
  workshop: Workshop,
  versions: readonly Version[],
  signal: AbortSignal,
): Promise<ScannedVersions> {
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
  const keep = (version: Version, found: readonly Finding[]): void => {
    const key = versionKey(version);
    if (found.length > 0) findings.set(key, inOrder([...(findings.get(key) ?? []), ...found]));
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
  return { findings, bytes };
}

function inOrder(findings: readonly Finding[]): readonly Finding[] {
  return findings.toSorted((left, right) => left.line - right.line || left.column - right.column);
}

type Keep = (version: Version, found: readonly Finding[]) => void;

const targetOf = ({ mode, path }: Version) => ({ kind: mode === symlink ? 'names' : 'file', path }) as const;

async function scanSmall(
  { scanner }: VersionServices,
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
    keep(version, checkSpecialBlob(path, mode === symlink, read.data));
    if (read.data.length === 0) continue;
    await backlog.add(read.data.length, async () => {
      keep(version, (await scanner.scan(targetOf(version), read.data, signal, oid)).findings);
    });
  }
  await backlog.drain();
}

async function scanLarge(
  { scanner }: VersionServices,
  reader: ObjectReader,
  version: Version,
  keep: Keep,
  signal: AbortSignal,
): Promise<void> {
  const { path, oid } = version;
  let isFirst = true;
  async function* read(): AsyncGenerator<Uint8Array> {
    for await (const chunk of reader.stream(oid)) {
      if (isFirst) keep(version, checkMachineCode(path, chunk.subarray(0, machineCodeHead)));
      isFirst = false;
      yield chunk;
    }
  }
  keep(version, (await scanner.scanStream(targetOf(version), read(), signal, oid)).findings);
}
