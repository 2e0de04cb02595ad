// Scans the difference of two commits of an upstream, such as a pull request: whole files from Git, whatever their
// number, then what of the findings the change brings. Everything read is attacker-controlled.
import { createHash } from 'node:crypto';
import type { ChangeFinding, ChangeRange } from '../../core/change-scan.ts';
import { type ObjectFormat, type Oid, parseOid } from '../../core/oid.ts';
import type { ChangeScanner, ScanService } from '../../core/services.ts';
import type { Finding } from '../../scanners/finding.ts';
import type { Limits } from '../config.ts';
import type { AuthorNotes } from './author-notes.ts';
import { type ChangeAuthorServices, judgeNotes, notesFor } from './change-authorship.ts';
import { type ChangedFile, scanFiles } from './change-files.ts';
import { type CommitRange, readCommits, readRange } from './commit-range.ts';
import { type EarlierVersion, listEarlier, type RangeCommit, scanEarlier } from './earlier-files.ts';
import { authorText } from './inspect-structure.ts';
import { type ScannedNames, scanNames } from './masked-names.ts';
import { diffPatiently } from './ref-changes.ts';
import type { Repository } from './repository.ts';
import { ScanBacklog } from './scan-backlog.ts';
import type { TreeChange } from './tree-diff.ts';
import { Workshop, type WorkshopServices } from './workshop.ts';

export interface ChangeScanServices extends WorkshopServices, ChangeAuthorServices {
  readonly scanner: ScanService;
  readonly limits: Limits;
  readonly repositoryOf: (name: string) => Repository;
}

/** The port over the caches of the Git part. */
export function createChangeScanner(services: ChangeScanServices): ChangeScanner {
  return {
    scanChange: async (range, signal) => {
      const repository = services.repositoryOf(range.repository);
      const objectFormat: ObjectFormat = range.head.length === 64 ? 'sha256' : 'sha1';
      await using workshop = await Workshop.open(services, repository, objectFormat, undefined);
      const { history, remote } = workshop;
      const listed = await readRange({ ...range, history, remote, objectFormat, signal });
      const [commits, changes] = await Promise.all([
        scanCommits(services, workshop, listed, range, objectFormat, signal),
        listChanges(workshop, range.head, listed.mergeBase, objectFormat, signal),
      ]);
      const question = { workshop, changes, objectFormat, signal, commits: commits.made };
      const earlier = await listEarlier(question);
      const names = await scanNames(
        [...changes, ...earlier.brought].map(({ path }) => path),
        services.scanner,
        signal,
      );
      const files = await scanFiles(services, workshop, changes, signal);
      const former = await scanEarlier(services, workshop, earlier, files, signal);
      const place = placed(names);
      const named = nameFindings(names, changes, earlier.brought);
      const size = { bytes: files.bytes, objects: changes.length, commits: listed.commits.length };
      const made = await judgeNotes(
        services,
        range.authors,
        commits.notes,
        listed.commits,
        size,
        history,
        signal,
      );
      return {
        mergeBase: listed.mergeBase,
        introduced: [
          ...named.introduced,
          ...commits.spoken,
          ...made.findings,
          ...files.introduced.map(place),
        ],
        earlier: [...named.earlier, ...former.map(place)],
        before: files.before.map(place),
        foreignAuthors: made.foreignAuthors,
        signatures: made.signatures,
        paths: changes.map(({ path, change, mode }) => ({ path, change, mode, ref: range.ref })),
        size,
        digest: digestOf(range, listed, changes),
        shown: names.shown,
      };
    },
  };
}

/** A finding in a file, under the name that may be shown. */
function placed({ shown }: ScannedNames) {
  return ({ finding, path, commit }: ChangedFile & { readonly commit?: Oid }): ChangeFinding => ({
    finding: { ...finding, path: shown(path) + finding.path.slice(path.length) },
    place: 'file',
    commit,
  });
}

/** The name of a file that was there before is not the change's. */
function nameFindings(
  { findings, shown }: ScannedNames,
  changes: readonly TreeChange[],
  earlier: readonly EarlierVersion[],
): { readonly introduced: readonly ChangeFinding[]; readonly earlier: readonly ChangeFinding[] } {
  const told = (path: string, finding: Finding, commit: Oid | undefined): ChangeFinding => ({
    finding: { ...finding, path: shown(path), line: 1, endLine: 1 },
    place: 'path name',
    commit,
  });
  const introduced: ChangeFinding[] = [];
  const former: ChangeFinding[] = [];
  const known = new Set(changes.map(({ path }) => path));
  for (const { name, finding } of findings) {
    const change = changes[name];
    if (change?.change === 'add') introduced.push(told(change.path, finding, undefined));
    const version = earlier[name - changes.length];
    if (version === undefined || !version.isNewPath || known.has(version.path)) continue;
    former.push(told(version.path, finding, version.commit));
  }
  return { introduced, earlier: former };
}

/** Of a change without a common commit everything is new. */
async function listChanges(
  workshop: Workshop,
  head: Oid,
  mergeBase: Oid | undefined,
  objectFormat: ObjectFormat,
  signal: AbortSignal,
): Promise<readonly TreeChange[]> {
  const changes = await diffPatiently(mergeBase, head, {
    graph: undefined,
    reader: () => workshop.reader(signal),
    history: workshop.history,
    remote: workshop.remote,
    objectFormat,
    signal,
  });
  return changes.toSorted((left, right) => (left.path < right.path ? -1 : 1));
}

interface ScannedCommits {
  readonly spoken: readonly ChangeFinding[];
  readonly made: readonly RangeCommit[];
  readonly notes: AuthorNotes;
}

/** Reads the commits once: what is written in them, who made them, and from what. */
async function scanCommits(
  services: ChangeScanServices,
  { history }: Workshop,
  { commits }: CommitRange,
  { authors }: ChangeRange,
  objectFormat: ObjectFormat,
  signal: AbortSignal,
): Promise<ScannedCommits> {
  const found = new Map<string, readonly ChangeFinding[]>();
  const made: RangeCommit[] = [];
  const notes = notesFor(services, authors);
  const backlog = new ScanBacklog(signal);
  for await (const { oid, parsed } of readCommits({ history, signal }, commits)) {
    notes.note(made.length, true, parsed);
    const parents = parsed.headers.filter(({ key }) => key === 'parent');
    made.push({ oid, parents: parents.flatMap(({ value }) => parseOid(value, objectFormat) ?? []) });
    const texts = [
      { place: 'commit message', kind: 'message', bytes: parsed.message },
      { place: 'author line', kind: 'names', bytes: authorText(parsed) },
    ] as const;
    for (const { place, kind, bytes } of texts) {
      if (bytes === undefined || bytes.length === 0) continue;
      await backlog.add(bytes.length, async () => {
        const { findings } = await services.scanner.scan({ kind, path: place }, bytes, signal);
        found.set(
          `${oid} ${place}`,
          findings.map((finding) => ({ finding, place, commit: oid })),
        );
      });
    }
  }
  await backlog.drain();
  // Scans end in any order; what is told does not depend on it.
  const spoken = commits.flatMap((oid) => [
    ...(found.get(`${oid} commit message`) ?? []),
    ...(found.get(`${oid} author line`) ?? []),
  ]);
  return { spoken, made, notes };
}

function digestOf(
  { head }: ChangeRange,
  { mergeBase, commits }: CommitRange,
  changes: readonly TreeChange[],
): string {
  const hash = createHash('sha256').update(JSON.stringify([mergeBase ?? '', head, commits]));
  for (const change of changes)
    hash.update(
      `\0${JSON.stringify([change.path, change.old?.oid, change.old?.mode, change.new?.oid, change.new?.mode])}`,
    );
  return hash.digest('hex');
}
