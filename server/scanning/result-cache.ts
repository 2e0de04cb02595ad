// Results of earlier scans by content, kind and path: a push that is sent again after a fix costs what the fix costs.
// It lives and dies with its pool, whose rules, limits and key never change, and holds findings, never content.
import type { ScanResult, ScanTarget } from '../../scanners/target.ts';

/** Rough bytes of an entry without its key, and of one finding. */
const ENTRY_BYTES = 200;
const FINDING_BYTES = 700;

interface Kept {
  readonly result: ScanResult;
  readonly bytes: number;
}

export class ResultCache {
  /** Least recently used first. */
  readonly #kept = new Map<string, Kept>();
  readonly #maxBytes: number;
  #bytes = 0;

  /** `maxBytes` is about what the cache may take of memory. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** The result of scanning this content under this path, undefined where it is not known (any more). */
  get(target: ScanTarget, contentId: string): ScanResult | undefined {
    const key = keyOf(target, contentId);
    const kept = this.#kept.get(key);
    if (kept === undefined) return undefined;
    this.#kept.delete(key);
    this.#kept.set(key, kept);
    return kept.result;
  }

  /** Keeps a result and forgets what was not asked for in the longest time. */
  set(target: ScanTarget, contentId: string, result: ScanResult): void {
    const key = keyOf(target, contentId);
    const bytes = ENTRY_BYTES + key.length * 2 + result.findings.length * FINDING_BYTES;
    this.#forget(key);
    // One object full of findings does not push out all others.
    if (bytes > this.#maxBytes / 4) return;
    this.#kept.set(key, { result, bytes });
    this.#bytes += bytes;
    for (const oldest of this.#kept.keys()) {
      if (this.#bytes <= this.#maxBytes) return;
      this.#forget(oldest);
    }
  }

  #forget(key: string): void {
    this.#bytes -= this.#kept.get(key)?.bytes ?? 0;
    this.#kept.delete(key);
  }
}

/** Findings name their path, and rules judge by it, so that the same content elsewhere is another entry. */
function keyOf({ kind, path }: ScanTarget, contentId: string): string {
  return `${kind} ${contentId} ${path}`;
}
