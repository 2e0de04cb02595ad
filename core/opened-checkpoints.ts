// Verifies the signatures of checkpoints ahead of the walk that needs them, beside it. What is found is the same as by
// `openCheckpoint`, which decides where another key is asked for than was expected.
import {
  openCheckpoint,
  openCheckpointBeside,
  type NoteVerifier,
  type SignedCheckpoint,
} from './checkpoint.ts';
import { keyAt, sameKey, type KeyHistory } from './key-history.ts';

/** A checkpoint as it is kept, under the size that it is said to be of. */
export interface KeptCheckpoint {
  readonly size: number;
  readonly note: string;
}

/** Reads a note and verifies it; undefined unless it is well signed by the key. */
export type OpenCheckpoint = (note: string, key: NoteVerifier) => SignedCheckpoint | undefined;

interface Opening {
  readonly kept: KeptCheckpoint;
  readonly key: NoteVerifier | undefined;
  readonly opened: Promise<SignedCheckpoint | undefined>;
}

/** Signatures that are verified at once. */
const mostAtOnce = 32;

export class OpenedCheckpoints {
  readonly #keys: KeyHistory;
  #last:
    | { readonly note: string; readonly key: NoteVerifier; readonly opened: SignedCheckpoint | undefined }
    | undefined;

  constructor(keys: KeyHistory) {
    this.#keys = keys;
  }

  /** The checkpoint that was yielded last is known; others are verified when they are asked for. */
  readonly open: OpenCheckpoint = (note, key) => {
    const last = this.#last;
    const isKnown = last !== undefined && last.note === note && (last.key === key || sameKey(last.key, key));
    return isKnown ? last.opened : openCheckpoint(note, key);
  };

  /** Yields them as they come, each once its signature was looked at. */
  async *ahead(checkpoints: AsyncIterable<KeptCheckpoint>): AsyncGenerator<KeptCheckpoint, undefined> {
    const openings: Opening[] = [];
    for await (const kept of checkpoints) {
      const key = keyAt(this.#keys, kept.size);
      const opened = key === undefined ? Promise.resolve(undefined) : openCheckpointBeside(kept.note, key);
      // Told when its turn comes.
      opened.catch(() => undefined);
      openings.push({ kept, key, opened });
      const first = openings.length < mostAtOnce ? undefined : openings.shift();
      if (first !== undefined) yield await this.#take(first);
    }
    for (const opening of openings) yield await this.#take(opening);
  }

  async #take({ kept, key, opened }: Opening): Promise<KeptCheckpoint> {
    const found = await opened;
    this.#last = key === undefined ? undefined : { note: kept.note, key, opened: found };
    return kept;
  }
}
