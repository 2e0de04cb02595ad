// The port through which the log leaves the guard live: its exact bytes, and what a receiver needs to prove with them.
import type { Hash } from './merkle.ts';

export interface RawEntry {
  /** 0-based place in the log. */
  readonly index: number;
  /** The canonical bytes. */
  readonly body: Uint8Array;
  readonly leafHash: Hash;
}

/** What is in the stream is committed and covered by a signed checkpoint. */
export interface AuditStream {
  /** The log's name. */
  readonly origin: string;
  size(): Promise<number>;
  /** Entries of [from, past), in order, `limit` at most. */
  read(from: number, past: number, limit: number): Promise<readonly RawEntry[]>;
  /** The hashes of the perfect subtrees that cover the entries [from, past), leftmost first. */
  nodes(from: number, past: number): Promise<readonly Hash[]>;
  /** The newest checkpoint over at most `size` entries. */
  checkpoint(size: number): Promise<{ readonly size: number; readonly note: string } | undefined>;
}
