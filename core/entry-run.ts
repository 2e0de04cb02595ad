// Reads a run of entries as far as that needs nothing but the entries: their hashes, their form, their order. Any thread
// can do it; what else there is to check is for the walk along the log. Trusts nothing that is handed in.
import { parseEntry, type AuditEntry } from './audit-entry.ts';
import { hashLength, leafHash, type Hash } from './merkle.ts';
import { sameHash } from './merkle-proof.ts';

/** An entry with sealed texts: what opens them, and what it commits to. */
export interface SealedPlace {
  readonly index: number;
  readonly key: string;
  readonly commitment: string;
}

/** Entries one after the other with nothing wrong in themselves: plain data, so that a thread can answer with it. */
export interface SoundRun {
  /** Index of the first entry. */
  readonly first: number;
  /** The leaf hashes, one after the other. */
  readonly leaves: Uint8Array<ArrayBuffer>;
  /** Times of the first and the last entry; those in between do not run backwards. */
  readonly earliest: string;
  readonly latest: string;
  /** Entries with sealed texts, in order. */
  readonly sealed: readonly SealedPlace[];
  /** Entries that say something about the log, in order. */
  readonly told: readonly AuditEntry[];
}

/** Entries of these actions say something about the log that its verification needs. */
const tellingActions: ReadonlySet<string> = new Set<AuditEntry['action']>([
  'audit.key-rotated',
  'audit.pruned',
  'audit.shredded',
  'evidence.kept',
]);

/** An entry as it was found. */
export interface FoundEntry {
  readonly index: number;
  readonly body: Uint8Array;
  /** The hash that is kept of it. */
  readonly leafHash: Hash;
}

/** Reads a run; undefined where it is empty or has anything wrong, which then is found by walking over each entry. */
export function readRun(entries: readonly FoundEntry[]): SoundRun | undefined {
  const first = entries[0]?.index;
  if (first === undefined) return undefined;
  const leaves = new Uint8Array(entries.length * hashLength);
  const sealed: SealedPlace[] = [];
  const told: AuditEntry[] = [];
  let [earliest, latest] = ['', ''];
  for (const [at, { index, body, leafHash: kept }] of entries.entries()) {
    const leaf = leafHash(body);
    const entry = parseEntry(body);
    const isSound = sameHash(leaf, kept) && entry?.index === index && index === first + at;
    if (!isSound || entry.time < latest) return undefined;
    leaves.set(leaf, at * hashLength);
    if (at === 0) earliest = entry.time;
    latest = entry.time;
    if (entry.sealed !== undefined)
      sealed.push({ index, key: entry.sealed.key, commitment: entry.sealed.commitment });
    if (tellingActions.has(entry.action)) told.push(entry);
  }
  return { first, leaves, earliest, latest, sealed, told };
}
