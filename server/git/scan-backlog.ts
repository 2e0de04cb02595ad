// Scans under way, bounded in bytes, so that reading the pack waits for the scanners and not the other way round.

const maxBytes = 8 * 1024 * 1024;
const maxTasks = 4096;

/** Collects scans that run at the same time; the first failure is thrown from `add` or `drain`. */
export class ScanBacklog {
  readonly #signal: AbortSignal;
  readonly #running = new Set<Promise<void>>();
  #bytes = 0;
  #failure: { readonly thrown: unknown } | undefined;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  /** Starts one scan; waits first while too many bytes are under way. */
  async add(bytes: number, scan: () => Promise<void>): Promise<void> {
    while (this.#running.size > 0 && (this.#bytes + bytes > maxBytes || this.#running.size >= maxTasks)) {
      await Promise.race(this.#running);
    }
    this.#check();
    this.#bytes += bytes;
    const running: Promise<void> = scan()
      .catch((thrown: unknown) => {
        this.#failure ??= { thrown };
      })
      .finally(() => {
        this.#bytes -= bytes;
        this.#running.delete(running);
      });
    this.#running.add(running);
  }

  /** Waits for every scan. */
  async drain(): Promise<void> {
    await Promise.all(this.#running);
    this.#check();
  }

  #check(): void {
    if (this.#failure !== undefined) throw this.#failure.thrown;
    this.#signal.throwIfAborted();
  }
}
