// Scans the difference of two commits of an upstream, such as a pull request: whole files from Git, whatever their
// number, then what of the findings the change brings. Everything read is attacker-controlled.
import { createHash } from 'node:crypto';
import type { ChangeFinding, ChangeRange } from '../../core/change-scan.ts';
import type { ObjectFormat } from '../../core/oid.ts';
import type { ChangeScanner, ScanService } from '../../core/services.ts';
import { type ChangedFile, scanFiles } from './change-files.ts';
import { type CommitRange, readCommits, readRange } from './commit-range.ts';
import { authorText } from './inspect-structure.ts';
import { scanNames } from './masked-names.ts';
import type { Repository } from './repository.ts';
import { ScanBacklog } from './scan-backlog.ts';
import { diffPatiently } from './ref-changes.ts';
import type { TreeChange } from './tree-diff.ts';
import { Workshop, type WorkshopServices } from './workshop.ts';
import type { Limits } from '../config.ts';

export interface ChangeScanServices extends WorkshopServices {
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
      const commits = await readRange({ ...range, history, remote, objectFormat, signal });
      const [spoken, changes] = await Promise.all([
        scanCommits(services, workshop, commits, signal),
        listChanges(workshop, range, commits, objectFormat, signal),
      ]);
      const names = await scanNames(
        changes.map(({ path }) => path),
        services.scanner,
        signal,
      );
      const files = await scanFiles(services, workshop, changes, signal);
      const shown = ({ finding, path }: ChangedFile): ChangeFinding => ({
        finding: { ...finding, path: names.shown(path) + finding.path.slice(path.length) },
        place: 'file',
        commit: undefined,
      });
      // The name of a file that was there before is not the change's.
      const named = names.findings
        .filter(({ name }) => changes[name]?.change === 'add')
        .map(({ name, finding }): ChangeFinding => {
          const path = names.shown(changes[name]?.path ?? '');
          return {
            finding: { ...finding, path, line: 1, endLine: 1 },
            place: 'path name',
            commit: undefined,
          };
        });
      return {
        mergeBase: commits.mergeBase,
        introduced: [...named, ...spoken, ...files.introduced.map(shown)],
        before: files.before.map(shown),
        paths: changes.map(({ path, change, mode }) => ({ path, change, mode, ref: range.ref })),
        size: { bytes: files.bytes, objects: changes.length, commits: commits.commits.length },
        digest: digestOf(range, commits, changes),
        shown: names.shown,
      };
    },
  };
}

/** Of a change without a common commit everything is new. */
async function listChanges(
  workshop: Workshop,
  { head }: ChangeRange,
  { mergeBase }: CommitRange,
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

async function scanCommits(
  { scanner }: ChangeScanServices,
  { history }: Workshop,
  { commits }: CommitRange,
  signal: AbortSignal,
): Promise<readonly ChangeFinding[]> {
  const found = new Map<string, readonly ChangeFinding[]>();
  const backlog = new ScanBacklog(signal);
  for await (const { oid, parsed } of readCommits({ history, signal }, commits)) {
    const texts = [
      { place: 'commit message', kind: 'message', bytes: parsed.message },
      { place: 'author line', kind: 'names', bytes: authorText(parsed) },
    ] as const;
    for (const { place, kind, bytes } of texts) {
      if (bytes === undefined || bytes.length === 0) continue;
      await backlog.add(bytes.length, async () => {
        const { findings } = await scanner.scan({ kind, path: place }, bytes, signal);
        found.set(
          `${oid} ${place}`,
          findings.map((finding) => ({ finding, place, commit: oid })),
        );
      });
    }
  }
  await backlog.drain();
  // Scans end in any order; what is told does not depend on it.
  return commits.flatMap((oid) => [
    ...(found.get(`${oid} commit message`) ?? []),
    ...(found.get(`${oid} author line`) ?? []),
  ]);
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
