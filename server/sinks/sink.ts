// A receiver of the log: takes batches and says what became of each. It never says what the receiver answered in words,
// nor its URL: both may hold what must not be shown.
import type { ShippedItem } from '../../core/shipped-record.ts';

export type Delivery =
  /** The receiver has it, as far as its protocol can tell. */
  | { readonly kind: 'taken' }
  /** The receiver answers, and will not have this content. */
  | { readonly kind: 'refused'; readonly problem: string }
  /** Not now; the receiver may have asked for some time. */
  | { readonly kind: 'later'; readonly problem: string; readonly waitMs?: number };

export interface Batch {
  /** The entries [first, past) are in it or told to be left out. */
  readonly first: number;
  readonly past: number;
  readonly items: readonly ShippedItem[];
}

export interface Sink extends AsyncDisposable {
  /**
   * Makes the connection ready. `fresh`: it is new, and what was sent over the one before may be lost. Never rejects.
   */
  connect(signal: AbortSignal): Promise<Delivery & { readonly fresh?: boolean }>;
  /** Sends all of it, at least once. Never rejects. */
  deliver(batch: Batch, signal: AbortSignal): Promise<Delivery>;
  /** Tries the receiver out without sending entries; what was seen, in words. Rejects with `sink/failed`. */
  probe(signal: AbortSignal): Promise<string>;
}

/** What an error of the network or of a file is called: its code, never its text. */
export function problemOf(thrown: unknown): string {
  if (thrown instanceof Error && 'code' in thrown && /^[A-Za-z0-9_]{1,60}$/.test(String(thrown.code)))
    return String(thrown.code);
  return thrown instanceof Error && thrown.name === 'TimeoutError' ? 'timeout' : 'unknown';
}
