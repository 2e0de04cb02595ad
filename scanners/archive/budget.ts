// What one file may still unpack to, shared by all archives inside it. The only mutable state of a scan.
import type { ScanLimits } from '../limits.ts';

const ALWAYS_BYTES = 1024 * 1024;

export class ArchiveBudget {
  readonly #limits: ScanLimits;
  #bytes = 0;
  #entries = 0;

  constructor(limits: ScanLimits) {
    this.#limits = limits;
  }

  /** Bytes that an entry of this packed size may take. */
  allowance(packed: number): number {
    const byRatio = Math.max(ALWAYS_BYTES, packed * this.#limits.archiveRatio);
    return Math.max(0, Math.min(byRatio, this.#limits.archiveBytes - this.#bytes));
  }

  /** Counts an entry; false where it is one too many. */
  take(bytes: number): boolean {
    this.#bytes += bytes;
    this.#entries++;
    return this.#entries <= this.#limits.archiveEntries && this.#bytes <= this.#limits.archiveBytes;
  }
}
