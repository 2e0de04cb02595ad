// Entries as one value of many bytes: many rows of a database cost far more than their bytes, and so do many messages.
//
//   packed = *( index(8) length(4) leaf-hash(32) body )     ; out of the database, big endian
//   bundle = *( length(2) body )                            ; C2SP tlog-tiles, out of an evidence pack
import { readRun, type FoundEntry, type SoundRun } from '../../core/entry-run.ts';
import { hashLength, type Hash } from '../../core/merkle.ts';

/** SQL that packs the entries of `e`. */
export const packedEntries = `string_agg(
  int8send(e.index) || int4send(octet_length(e.body)) || e.leaf_hash || e.body, ''::bytea order by e.index)`;
const headBytes = 8 + 4 + hashLength;

/** Reads that again; of bytes that were cut off the last entry is shorter. */
export function unpackEntries(bytes: Uint8Array): readonly FoundEntry[] {
  const packed = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const entries: FoundEntry[] = [];
  for (let at = 0; at + headBytes <= packed.length;) {
    const body = at + headBytes;
    const end = body + packed.readUInt32BE(at + 8);
    entries.push({
      index: packed.readUInt32BE(at) * 2 ** 32 + packed.readUInt32BE(at + 4),
      leafHash: packed.subarray(at + 12, body),
      body: packed.subarray(body, end),
    });
    at = end;
  }
  return entries;
}

/** The entries of a bundle, without their lengths. */
export function entriesIn(bytes: Uint8Array): readonly Buffer[] {
  const bundle = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const entries: Buffer[] = [];
  for (let at = 0; at + 2 <= bundle.length;) {
    const length = bundle.readUInt16BE(at);
    entries.push(bundle.subarray(at + 2, at + 2 + length));
    at += 2 + length;
  }
  return entries;
}

/** Entries that are to be read. */
export type RunSource =
  | { readonly kind: 'packed'; readonly packed: Uint8Array }
  | {
      readonly kind: 'bundle';
      readonly first: number;
      readonly bundle: Uint8Array;
      readonly leaves: readonly Hash[];
    };

/** The entries of a source with the hashes that are kept of them; undefined where there are not as many of these. */
function entriesOf(source: RunSource): readonly FoundEntry[] | undefined {
  if (source.kind === 'packed') return unpackEntries(source.packed);
  const { first, leaves } = source;
  const found: FoundEntry[] = [];
  for (const [at, body] of entriesIn(source.bundle).entries()) {
    const kept = leaves[at];
    if (kept === undefined) return undefined;
    found.push({ index: first + at, body, leafHash: kept });
  }
  return found.length === leaves.length ? found : undefined;
}

/** Reads the run of a source; undefined where anything is wrong with it. */
export function readSource(source: RunSource): SoundRun | undefined {
  const entries = entriesOf(source);
  return entries === undefined ? undefined : readRun(entries);
}
