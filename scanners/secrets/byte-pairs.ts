// Counts byte-pair tokens of short ASCII values. The package's own encoder keeps 100 MB per thread for what is asked
// here; this one keeps the vocabulary as a table of 3 MB that holds hashes of tokens in place of the tokens.

/** Bits of the table's size; the vocabulary's 100,000 tokens fill a third of it. */
const TABLE_BITS = 18;
const MASK = (1 << TABLE_BITS) - 1;
/** Longer tokens are words and rules of text; values of this length are judged by shorter ones as well. */
const MAX_TOKEN = 24;

/** How text falls into pieces before pairs are merged: words, up to three digits, signs (cl100k_base, for ASCII). */
const piece = /'(?:[sdmt]|ll|ve|re)|[^\r\nA-Za-z0-9]?[A-Za-z]+|[0-9]{1,3}| ?[^\sA-Za-z0-9]+[\r\n]*|\s+/gi;

export class BytePairs {
  /** Two words an entry: a second hash (0 where empty) and the rank. */
  readonly #table = new Uint32Array(2 << TABLE_BITS);

  /**
   * Reads ranks as js-tiktoken stores them: `! 0 TOKEN TOKEN …`, tokens in base64, in order of rank.
   * Throws a RangeError for anything else; the package is pinned, so that is a defect of an update.
   */
  constructor(ranks: string) {
    const head = '! 0 ';
    if (!ranks.startsWith(head) || ranks.includes('\n')) throw new RangeError('The vocabulary has changed.');
    const scratch = Buffer.alloc(1_024);
    let rank = 0;
    for (let at = head.length; at < ranks.length; rank++) {
      const space = ranks.indexOf(' ', at);
      const end = space < 0 ? ranks.length : space;
      const length = scratch.write(ranks.slice(at, end), 'base64');
      if (length <= MAX_TOKEN) this.#add(scratch, length, rank);
      at = end + 1;
    }
  }

  /** Number of tokens of `text`; characters beyond ASCII count as one byte each. */
  count(text: string): number {
    let tokens = 0;
    for (const [part] of text.matchAll(piece)) tokens += this.#countPiece(Buffer.from(part, 'latin1'));
    return tokens;
  }

  /** Merges the adjacent pair of the lowest rank until none is a token. */
  #countPiece(bytes: Uint8Array): number {
    if (this.#rank(bytes, 0, bytes.length) >= 0) return 1;
    const starts = Array.from({ length: bytes.length + 1 }, (_, at) => at);
    const ranks = starts.map((_, at) => this.#pair(bytes, starts, at));
    while (starts.length > 2) {
      let best = -1;
      for (let at = 0; at < ranks.length; at++) {
        const rank = ranks[at] ?? -1;
        if (rank >= 0 && (best < 0 || rank < (ranks[best] ?? 0))) best = at;
      }
      if (best < 0) break;
      starts.splice(best + 1, 1);
      ranks.splice(best + 1, 1);
      ranks[best] = this.#pair(bytes, starts, best);
      if (best > 0) ranks[best - 1] = this.#pair(bytes, starts, best - 1);
    }
    return starts.length - 1;
  }

  /** Rank of the token that the parts `at` and `at + 1` would make, or -1. */
  #pair(bytes: Uint8Array, starts: readonly number[], at: number): number {
    const end = starts[at + 2];
    return end === undefined ? -1 : this.#rank(bytes, starts[at] ?? 0, end);
  }

  #add(bytes: Uint8Array, length: number, rank: number): void {
    const check = secondHash(bytes, 0, length);
    let slot = firstHash(bytes, 0, length) & MASK;
    while (this.#table[slot * 2] !== 0) slot = (slot + 1) & MASK;
    this.#table[slot * 2] = check;
    this.#table[slot * 2 + 1] = rank;
  }

  #rank(bytes: Uint8Array, start: number, end: number): number {
    if (end - start > MAX_TOKEN) return -1;
    const check = secondHash(bytes, start, end);
    for (let slot = firstHash(bytes, start, end) & MASK; ; slot = (slot + 1) & MASK) {
      const found = this.#table[slot * 2];
      if (found === check) return this.#table[slot * 2 + 1] ?? -1;
      if (found === 0) return -1;
    }
  }
}

/** FNV-1a. */
function firstHash(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ (bytes[at] ?? 0), 0x01000193);
  return (hash ^ (hash >>> 15)) >>> 0;
}

/** Another multiplier and start; never zero, which marks an empty slot. */
function secondHash(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x9e3779b9 ^ (end - start);
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ (bytes[at] ?? 0), 0x85ebca6b) ^ (hash >>> 13);
  return hash >>> 0 || 1;
}
