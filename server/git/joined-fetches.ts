// Fetches into one cache, one at a time: Git lets one at a time write into a shallow repository. What is asked for while
// one runs is asked for together by the next, so that many who want something cost the upstream little.

export interface Fetch {
  /** Fetches of the same group may be joined: the same cache, from the same remote. */
  readonly group: string;
  readonly refspecs: readonly string[];
  readonly run: (refspecs: readonly string[]) => Promise<void>;
}

interface Waiting extends Fetch {
  readonly settle: (outcome: Promise<void>) => void;
}

/** Refspecs of one fetch: they travel as arguments. */
const mostRefspecs = 1_000;

export class JoinedFetches {
  #waiting: Waiting[] = [];
  readonly #known = new Map<string, Promise<void>>();
  #isRunning = false;

  /** Fulfils when all of it is there. One that cannot be had is nobody else's failure. */
  add(fetch: Fetch): Promise<void> {
    const key = [fetch.group, ...fetch.refspecs].join(' ');
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const outcome = new Promise<void>((resolve) => {
      this.#waiting.push({ ...fetch, settle: resolve });
    });
    this.#known.set(key, outcome);
    const forget = (): void => void this.#known.delete(key);
    outcome.then(forget, forget);
    if (!this.#isRunning) void this.#work().catch(() => undefined);
    return outcome;
  }

  async #work(): Promise<void> {
    this.#isRunning = true;
    try {
      for (let first = this.#waiting.shift(); first !== undefined; first = this.#waiting.shift())
        await this.#runJoined(first);
    } finally {
      this.#isRunning = false;
    }
  }

  async #runJoined(first: Waiting): Promise<void> {
    const joined = [first, ...this.#takeLike(first)];
    const refspecs = [...new Set(joined.flatMap((fetch) => fetch.refspecs))];
    const together = first.run(refspecs);
    const failed = await together.then(
      () => false,
      () => true,
    );
    for (const fetch of joined) {
      const own = failed && joined.length > 1 ? fetch.run(fetch.refspecs) : together;
      fetch.settle(own);
      // The next one writes into the same cache.
      await own.catch(() => undefined);
    }
  }

  #takeLike(first: Waiting): readonly Waiting[] {
    let room = mostRefspecs - first.refspecs.length;
    const taken: Waiting[] = [];
    this.#waiting = this.#waiting.filter((fetch) => {
      if (fetch.group !== first.group || fetch.refspecs.length > room) return true;
      room -= fetch.refspecs.length;
      taken.push(fetch);
      return false;
    });
    return taken;
  }
}
