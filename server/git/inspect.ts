// Reads every object that is physically in a pack and scans it: blobs, messages, headers, names; also what no ref
// reaches. Memory follows the number of objects, not their size.
import type { ScanService } from '../../core/services.ts';
import type { ObjectFormat, Oid } from '../../core/oid.ts';
import type { AuthorNotes } from './author-notes.ts';
import { inspectBlobs } from './inspect-blobs.ts';
import { inspectStructure } from './inspect-structure.ts';
import type { Found, InspectionWork } from './inspection-work.ts';
import { readInventory } from './inventory.ts';
import type { LocatedFinding } from './located-finding.ts';
import { type ScannedNames, scanNames } from './masked-names.ts';
import { ObjectGraph } from './object-graph.ts';
import type { ObjectReader } from './object-reader.ts';
import type { PackIndex } from './pack-index.ts';
import { ScanBacklog } from './scan-backlog.ts';

export interface InspectionInput {
  readonly index: PackIndex;
  readonly objectFormat: ObjectFormat;
  readonly reader: ObjectReader;
  readonly scanner: ScanService;
  readonly tips: readonly { readonly ref: string; readonly oid: Oid }[];
  /** Objects that the sender announced; those behind them in the pack came from the upstream and are not blamed. */
  readonly announced: number;
  /** Where it is noted who made commits and tags. */
  readonly authors?: AuthorNotes | undefined;
  readonly maxPathBytes: number;
  /** Bytes of all objects, unpacked. */
  readonly maxBytes: number;
  readonly signal: AbortSignal;
}

export interface Inspection {
  readonly graph: ObjectGraph;
  readonly findings: readonly LocatedFinding[];
  /** A path or name as it may be shown and stored. */
  readonly shown: (name: string) => string;
  /** Bytes of all objects, unpacked. */
  readonly bytes: number;
}

/** Inspects one pack. Rejects with `git/limit` where an object is out of bounds and with `scan/failed`. */
export async function inspectPack(input: InspectionInput): Promise<Inspection> {
  const inventory = await readInventory(input.index, input.reader, input.maxBytes);
  const graph = new ObjectGraph(input.index);
  const backlog = new ScanBacklog(input.signal);
  const found: Found[] = [];
  const work: InspectionWork = {
    ...input,
    inventory,
    graph,
    backlog,
    report: (item) => void found.push(item),
  };
  await inspectStructure(work);
  await graph.walk(input.tips);
  const [names] = await Promise.all([
    scanNames(graph.names, input.scanner, input.signal),
    inspectBlobs(work).then(() => backlog.drain()),
  ]);
  const findings = [
    ...locateNames(graph, names),
    ...found.flatMap((item) => locate(graph, item, names.shown)),
  ];
  return { graph, findings: inOrder(graph, findings), shown: names.shown, bytes: inventory.bytes };
}

// Scans end in any order; what is told and recorded does not depend on it. Oldest commit first.
function inOrder(graph: ObjectGraph, findings: readonly LocatedFinding[]): readonly LocatedFinding[] {
  const ranks = new Map(
    [...new Set(findings.map(({ commit }) => commit))].map((oid) => [oid, graph.rank(oid)]),
  );
  const rankOf = ({ commit }: LocatedFinding): number => ranks.get(commit) ?? Infinity;
  return findings.toSorted((left, right) => {
    const byCommit = rankOf(left) - rankOf(right);
    if (byCommit !== 0 && !Number.isNaN(byCommit)) return byCommit;
    if (left.finding.path !== right.finding.path) return left.finding.path < right.finding.path ? -1 : 1;
    return left.finding.line - right.finding.line || left.finding.column - right.finding.column;
  });
}

function locateNames(graph: ObjectGraph, names: ScannedNames): readonly LocatedFinding[] {
  return names.findings.map(({ name, finding }) => {
    const where = graph.introductionOfName(name, names.shown);
    return {
      finding: { ...finding, path: where.path, line: 1, endLine: 1 },
      place: 'path name',
      commit: where.commit,
      ref: where.ref,
    };
  });
}

function locate(
  graph: ObjectGraph,
  { object, place, result }: Found,
  shown: (name: string) => string,
): readonly LocatedFinding[] {
  const own = graph.introduction(object).path;
  const where = graph.introduction(object, shown);
  const oid = graph.index.oid(object);
  const isFile = place === 'file' || place === 'note';
  return result.findings.map((finding) => ({
    finding: { ...finding, path: isFile ? shownPath(finding.path, own, where.path, oid) : place },
    place,
    commit: isFile ? where.commit : oid,
    ref: where.ref,
  }));
}

// A finding inside an archive has the archive's path in front of its entry's; the entry's name was scanned with it.
function shownPath(path: string, own: string, shown: string, oid: string): string {
  const inner = path.startsWith(own) ? path.slice(own.length) : '';
  return (shown === '' ? `object ${oid}` : shown) + inner;
}
