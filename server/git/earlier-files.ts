// What commits of a change brought and later ones of it took away again: it is no part of the result, and lands with it
// where all commits land. What was at the upstream before the change is not blamed on it.
import { GuardError } from '../../core/errors.ts';
import type { ObjectFormat, Oid } from '../../core/oid.ts';
import type { Finding } from '../../scanners/finding.ts';
import { mostDeleted, type ScannedFiles, valueKey } from './change-files.ts';
import { diffPatiently } from './ref-changes.ts';
import { scanVersions, type Version, versionKey, type VersionServices, versionsOf } from './scan-versions.ts';
import type { TreeChange } from './tree-diff.ts';
import type { Workshop } from './workshop.ts';

/** A commit of the change and what it was made from. */
export interface RangeCommit {
  readonly oid: Oid;
  readonly parents: readonly Oid[];
}

/** A version of a file that the result does not have. */
export interface EarlierVersion extends Version {
  readonly commit: Oid;
  /** Whether the path is one that the commit added. */
  readonly isNewPath: boolean;
}

export interface EarlierFiles {
  /** In the order of the commits. */
  readonly brought: readonly EarlierVersion[];
  /** Versions of before the change of the same paths, and of those that a commit deleted. */
  readonly held: readonly Version[];
  readonly deleted: ReadonlySet<string>;
}

export interface EarlierQuestion {
  readonly workshop: Workshop;
  /** Parents first; the last is the head, whose files are the result. */
  readonly commits: readonly RangeCommit[];
  /** What differs in the result. */
  readonly changes: readonly TreeChange[];
  readonly objectFormat: ObjectFormat;
  readonly signal: AbortSignal;
}

const mostVersions = 250_000;
/** Commits whose trees one fetch asks for. */
const atOnce = 500;

/** Lists what each commit but the last changes against all its parents. Rejects with `git/limit`. */
export async function listEarlier(question: EarlierQuestion): Promise<EarlierFiles> {
  const { commits, changes, workshop, signal } = question;
  const earlier = commits.slice(0, -1);
  await fetchTrees(workshop, earlier, signal);
  const result = new Set(
    changes.flatMap(({ path, new: version }) => versionsOf(path, version)).map(versionKey),
  );
  const brought = new Map<string, EarlierVersion>();
  const held = new Map<string, Version>();
  const deleted = new Set<string>();
  for (const commit of earlier) {
    const { merged, own } = await changesOf(question, commit);
    for (const { path, change, old } of merged) {
      // Parents come first: what none of them brought was there before the change.
      for (const version of versionsOf(path, old))
        if (!brought.has(versionKey(version))) held.set(versionKey(version), version);
      if (change === 'delete') deleted.add(path);
    }
    for (const { path, change, new: now } of own)
      for (const version of versionsOf(path, now)) {
        const key = versionKey(version);
        if (result.has(key) || held.has(key) || brought.has(key)) continue;
        brought.set(key, { ...version, commit: commit.oid, isNewPath: change === 'add' });
      }
    if (brought.size + held.size > mostVersions)
      throw new GuardError('git/limit', `the commits change more than ${mostVersions} files`);
  }
  return { brought: [...brought.values()], held: [...held.values()], deleted };
}

/** One fetch for many commits; what is here already is not asked for again. */
async function fetchTrees(
  { history, remote }: Workshop,
  commits: readonly RangeCommit[],
  signal: AbortSignal,
): Promise<void> {
  const wanted = [...new Set(commits.flatMap(({ oid, parents }) => [oid, ...parents]))].filter(
    (oid) => !history.known.has(oid),
  );
  for (let at = 0; at < wanted.length; at += atOnce)
    await history.fetchTrees(remote, wanted.slice(at, at + atOnce), signal);
}

/** What differs from some parent, and of that what differs from each: the rest came with a merge. */
async function changesOf(
  { workshop, objectFormat, signal }: EarlierQuestion,
  { oid, parents }: RangeCommit,
): Promise<{ readonly merged: readonly TreeChange[]; readonly own: readonly TreeChange[] }> {
  const context = {
    graph: undefined,
    reader: () => workshop.reader(signal),
    history: workshop.history,
    remote: workshop.remote,
    objectFormat,
    signal,
  };
  const [first, ...others] = parents;
  let own = await diffPatiently(first, oid, context);
  const merged = [...own];
  for (const parent of others) {
    const against = await diffPatiently(parent, oid, context);
    const differing = new Set(against.map(({ path }) => path));
    own = own.filter(({ path }) => differing.has(path));
    for (const change of against) merged.push(change);
  }
  return { merged, own };
}

export interface EarlierFinding {
  readonly path: string;
  readonly commit: Oid;
  readonly finding: Finding;
}

/** Scans what was listed. What the result tells, or the files of before held, is not told once more. */
export async function scanEarlier(
  services: VersionServices,
  workshop: Workshop,
  { brought, held, deleted }: EarlierFiles,
  result: Pick<ScannedFiles, 'introduced' | 'before'>,
  signal: AbortSignal,
): Promise<readonly EarlierFinding[]> {
  const scanned = await scanVersions(services, workshop, brought, signal);
  const suspects = brought.filter((version) => scanned.findings.has(versionKey(version)));
  if (suspects.length === 0) return [];
  const paths = new Set(suspects.map(({ path }) => path));
  const gone = new Set([...deleted].slice(0, mostDeleted));
  const compared = held.filter(({ path }) => paths.has(path) || gone.has(path));
  const known = await scanVersions(services, workshop, compared, signal);
  const told = new Set([...result.introduced, ...result.before].map(({ finding }) => valueKey(finding)));
  const heldAt = new Set<string>();
  for (const version of compared)
    for (const finding of known.findings.get(versionKey(version)) ?? []) {
      heldAt.add(`${valueKey(finding)} ${version.path}`);
      // What a file lost may have gone to another one.
      if (gone.has(version.path)) told.add(valueKey(finding));
    }
  const found = new Map<string, EarlierFinding>();
  for (const version of suspects) {
    const { path, commit } = version;
    for (const finding of scanned.findings.get(versionKey(version)) ?? []) {
      const key = `${valueKey(finding)} ${path}`;
      if (told.has(valueKey(finding)) || heldAt.has(key) || found.has(key)) continue;
      found.set(key, { path, commit, finding });
    }
  }
  return [...found.values()];
}
