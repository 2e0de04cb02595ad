// What the stages of one inspection share: where objects are read from, who scans them, and where findings go.
import type { ScanService } from '../../core/services.ts';
import type { ObjectFormat, Oid } from '../../core/oid.ts';
import type { ScanResult, ScanTarget } from '../../scanners/target.ts';
import type { AuthorNotes } from './author-notes.ts';
import type { Inventory } from './inventory.ts';
import type { Place } from './located-finding.ts';
import type { ObjectGraph } from './object-graph.ts';
import type { ObjectReader } from './object-reader.ts';
import type { PackIndex } from './pack-index.ts';
import type { ScanBacklog } from './scan-backlog.ts';

export interface Found {
  /** Position of the object in the pack. */
  readonly object: number;
  readonly place: Place;
  readonly result: Pick<ScanResult, 'findings'>;
}

export interface InspectionWork {
  readonly index: PackIndex;
  readonly inventory: Inventory;
  readonly graph: ObjectGraph;
  readonly reader: ObjectReader;
  readonly objectFormat: ObjectFormat;
  readonly scanner: ScanService;
  readonly backlog: ScanBacklog;
  readonly announced: number;
  /** Where it is noted who made commits and tags. */
  readonly authors?: AuthorNotes | undefined;
  readonly maxPathBytes: number;
  readonly signal: AbortSignal;
  readonly report: (found: Found) => void;
}

/**
 * Queues the scan of one whole buffer; it waits while the backlog is full. `contentId` is given where the bytes are all
 * of an object and nothing else.
 */
export async function scanWhole(
  work: InspectionWork,
  object: number,
  place: Place,
  target: ScanTarget,
  bytes: Uint8Array<ArrayBuffer>,
  contentId?: Oid,
): Promise<void> {
  if (bytes.length === 0) return;
  await work.backlog.add(bytes.length, async () => {
    const result = await work.scanner.scan(target, bytes, work.signal, contentId);
    if (result.findings.length > 0) work.report({ object, place, result });
  });
}
