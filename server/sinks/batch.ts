// What goes to a receiver next: entries from a place on, up to a size. What is not sent stands in it as stretches with
// the hashes of their subtrees, so that the receiver can still prove the whole.
import { parseEntry } from '../../core/audit-entry.ts';
import type { AuditStream, RawEntry } from '../../core/audit-stream.ts';
import { GuardError } from '../../core/errors.ts';
import { leafHash } from '../../core/merkle.ts';
import { sameHash } from '../../core/merkle-proof.ts';
import type { ShippedItem, SkipReason } from '../../core/shipped-record.ts';
import type { Batch } from './sink.ts';

type EntryItem = ShippedItem & { readonly kind: 'entry' };
type Segment =
  | EntryItem
  | { readonly kind: 'gap'; readonly from: number; readonly past: number; readonly why: SkipReason };

/** How far the log was looked through. It grows by `scanOn` until there is something to send. */
export interface Scan {
  readonly first: number;
  readonly past: number;
  readonly segments: readonly Segment[];
  readonly entries: number;
  readonly bytes: number;
  /** True where no more fits into a batch. */
  readonly isFull: boolean;
}

export interface ScanBounds {
  readonly maxEntries: number;
  readonly maxBytes: number;
  /** Where it must end, for a batch that was begun before; entries and bytes are no bounds then. */
  readonly past?: number;
  readonly isWanted: (action: string) => boolean;
}

const pageEntries = 200;
/** So many entries are looked through before the caller is asked again. */
const mostScanned = 20_000;

/** Nothing looked through yet. */
export function beginScan(first: number): Scan {
  return { first, past: first, segments: [], entries: 0, bytes: 0, isFull: false };
}

function readItem({ index, body, leafHash: leaf }: RawEntry): EntryItem {
  const entry = parseEntry(body);
  if (entry?.index !== index || !sameHash(leafHash(body), leaf))
    throw new GuardError('audit/inconsistent', `entry ${index} of the audit log was changed`);
  return { kind: 'entry', seq: index, leaf, body, entry };
}

function addGap(segments: Segment[], from: number, past: number, why: SkipReason): void {
  const last = segments.at(-1);
  if (last?.kind === 'gap' && last.why === why && last.past === from)
    segments[segments.length - 1] = { ...last, past };
  else segments.push({ kind: 'gap', from, past, why });
}

/** Looks further. Rejects with `audit/inconsistent` at an entry that was changed. */
export async function scanOn(stream: AuditStream, scan: Scan, bounds: ScanBounds): Promise<Scan> {
  const { maxEntries, maxBytes, isWanted } = bounds;
  const isPlanned = bounds.past !== undefined;
  const end = bounds.past ?? Math.min(await stream.size(), scan.past + mostScanned);
  const segments = [...scan.segments];
  let { past, entries, bytes } = scan;
  const isFull = (): boolean => !isPlanned && (entries >= maxEntries || bytes >= maxBytes);
  while (past < end && !isFull()) {
    const rows = await stream.read(past, end, pageEntries);
    for (const row of rows) {
      if (isFull()) break;
      if (row.index > past) addGap(segments, past, row.index, 'pruned');
      const item = readItem(row);
      if (isWanted(item.entry.action)) {
        segments.push(item);
        entries += 1;
        bytes += item.body.length;
      } else addGap(segments, row.index, row.index + 1, 'filter');
      past = row.index + 1;
    }
    if (rows.length < pageEntries && past < end && !isFull()) {
      addGap(segments, past, end, 'pruned');
      past = end;
    }
  }
  return { first: scan.first, past, segments, entries, bytes, isFull: isFull() };
}

function split(segments: readonly Segment[], at: number): readonly Segment[] {
  return segments.flatMap((segment) =>
    segment.kind === 'gap' && segment.from < at && at < segment.past
      ? [
          { ...segment, past: at },
          { ...segment, from: at },
        ]
      : [segment],
  );
}

/** The batch that a scan makes, with the newest checkpoint where it covers more than `checkpointAfter` entries. */
export async function makeBatch(
  stream: AuditStream,
  { first, past, segments }: Scan,
  checkpointAfter: number,
): Promise<Batch & { readonly checkpoint: number | undefined }> {
  const newest = checkpointAfter === Infinity ? undefined : await stream.checkpoint(past);
  const checkpoint = newest !== undefined && newest.size > checkpointAfter ? newest : undefined;
  const items: ShippedItem[] = [];
  for (const segment of checkpoint === undefined ? segments : split(segments, checkpoint.size)) {
    if (segment.kind === 'entry') items.push(segment);
    else {
      const nodes = await stream.nodes(segment.from, segment.past);
      items.push({ kind: 'skipped', from: segment.from, past: segment.past, nodes, why: segment.why });
    }
  }
  if (checkpoint !== undefined) {
    const edge = { size: first, nodes: await stream.nodes(0, first) };
    items.push({ kind: 'checkpoint', ...checkpoint, edge });
  }
  return { first, past, items, checkpoint: checkpoint?.size };
}
