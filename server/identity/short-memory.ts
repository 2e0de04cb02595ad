// What the database said a moment ago. It is believed for so short a time that a revocation works within a second on
// every guard, and requests that come at once ask once.

/** In ms, by the monotonic clock. */
const lifetime = 1_000;
const capacity = 10_000;

interface Known<T> {
  readonly value: T;
  readonly until: number;
}

export class ShortMemory<T extends object> {
  readonly #known = new Map<string, Known<T>>();
  readonly #pending = new Map<string, Promise<T | undefined>>();

  /** What is remembered under the key, else what `load` gives. That there is nothing is not remembered. */
  async recall(key: string, load: () => Promise<T | undefined>): Promise<T | undefined> {
    const known = this.#known.get(key);
    if (known !== undefined && performance.now() < known.until) return known.value;
    this.#known.delete(key);
    const shared = this.#pending.get(key) ?? this.#load(key, load).finally(() => this.#pending.delete(key));
    this.#pending.set(key, shared);
    return shared;
  }

  async #load(key: string, load: () => Promise<T | undefined>): Promise<T | undefined> {
    // Counted from before the question: the answer may be as old as that.
    const until = performance.now() + lifetime;
    const value = await load();
    if (value === undefined) return undefined;
    if (this.#known.size >= capacity) this.#known.clear();
    this.#known.set(key, { value, until });
    return value;
  }
}
