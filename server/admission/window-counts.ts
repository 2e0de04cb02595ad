// Counts by key within a span of time, for ever in the same memory: the keys that were not touched for longest are
// forgotten first. Keys are chosen by strangers. Libraries for this either grow with the keys or count only requests.

interface Count {
  readonly since: number;
  readonly total: number;
}

export interface WindowOptions {
  readonly windowMs: number;
  /** How many keys are remembered. */
  readonly capacity: number;
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number;
}

export class WindowCounts {
  readonly #options: WindowOptions;
  readonly #counts = new Map<string, Count>();

  constructor(options: WindowOptions) {
    this.#options = options;
  }

  /** Adds, and returns the total of the window that is under way for the key. */
  add(key: string, amount = 1): number {
    const current = this.#current(key) ?? { since: this.#options.now(), total: 0 };
    const next = { since: current.since, total: current.total + amount };
    this.#counts.delete(key);
    this.#counts.set(key, next);
    for (const oldest of this.#counts.keys()) {
      if (this.#counts.size <= this.#options.capacity) break;
      this.#counts.delete(oldest);
    }
    return next.total;
  }

  total(key: string): number {
    return this.#current(key)?.total ?? 0;
  }

  /** Milliseconds until the key's window ends; 0 where none is under way. */
  left(key: string): number {
    const current = this.#current(key);
    return current === undefined ? 0 : current.since + this.#options.windowMs - this.#options.now();
  }

  forget(key: string): void {
    this.#counts.delete(key);
  }

  get size(): number {
    return this.#counts.size;
  }

  #current(key: string): Count | undefined {
    const count = this.#counts.get(key);
    return count !== undefined && this.#options.now() < count.since + this.#options.windowMs
      ? count
      : undefined;
  }
}
