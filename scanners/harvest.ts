// Collects the hits of one reader and ends the reader once there are more than anybody will list, so that a file full
// of findings costs no more than any other.
import type { Hit } from './rule.ts';

/** Thrown through a reader that has found enough. It holds nothing. */
class Enough extends Error {}

export class Harvest {
  readonly #view: string;
  readonly #enough: number;
  readonly #hits: Hit[] = [];

  constructor(view: string, enough: number) {
    this.#view = view;
    this.#enough = enough;
  }

  get hits(): readonly Hit[] {
    return this.#hits;
  }

  /** Runs a reader; true where it failed on its input, false where it ended or had found enough. */
  run(read: (emit: (hit: Hit) => void) => void): boolean {
    try {
      read((hit) => {
        if (!isValue(this.#view, hit)) return;
        this.#hits.push(hit);
        if (this.#hits.length > this.#enough) throw new Enough();
      });
      return false;
    } catch (error) {
      return !(error instanceof Enough);
    }
  }
}

/** A value has a letter or digit; asterisks and dashes stand where a value was. */
function isValue(view: string, { start, end }: Hit): boolean {
  for (let at = start; at < end; at++) {
    const code = view.charCodeAt(at);
    if (code >= 0x80 || (code >= 48 && code <= 57) || ((code | 32) >= 97 && (code | 32) <= 122)) return true;
  }
  return false;
}
