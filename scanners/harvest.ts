// Collects the hits of one reader and ends the reader once there are more than anybody will list, so that a file full
// of findings costs no more than any other.
import type { Hit } from './rule.ts';

/** Thrown through a reader that has found enough. It holds nothing. */
class Enough extends Error {}

export class Harvest {
  readonly #enough: number;
  readonly #hits: Hit[] = [];

  constructor(enough: number) {
    this.#enough = enough;
  }

  get hits(): readonly Hit[] {
    return this.#hits;
  }

  /** Runs a reader; true where it failed on its input, false where it ended or had found enough. */
  run(read: (emit: (hit: Hit) => void) => void): boolean {
    try {
      read((hit) => {
        this.#hits.push(hit);
        if (this.#hits.length > this.#enough) throw new Enough();
      });
      return false;
    } catch (error) {
      return !(error instanceof Enough);
    }
  }
}
