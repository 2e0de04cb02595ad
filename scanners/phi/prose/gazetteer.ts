// Which words are known as given names, family names, places, streets, countries or plain English: Bloom filters over
// lists (bench/prose-model says which), because membership is all that the tagger needs.
import { brotliDecompressSync } from 'node:zlib';
import { filterData } from './filter-data.ts';

/** The filters, in the order in which they are stored. Words are English by how common they are. */
export const filterNames = [
  'given',
  'family',
  'place',
  'street',
  'country',
  'word10',
  'word20',
  'word35',
  'word50',
] as const;
export type FilterName = (typeof filterNames)[number];

/** About one word in 120 is taken for known by mistake. */
export const BITS_PER_WORD = 10;
const HASHES = 6;

export interface Filter {
  readonly bits: Uint8Array;
}

/** FNV-1a over the characters of a word, 32 bits. */
export function hashWord(word: string, seed: number): number {
  let hash = (0x811c9dc5 ^ seed) >>> 0;
  for (let at = 0; at < word.length; at++) hash = Math.imul(hash ^ word.charCodeAt(at), 0x01000193);
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x2c1b3c6d);
  return (hash ^ (hash >>> 13)) >>> 0;
}

/** The bit positions of a word in a filter of so many bits. */
export function positions(word: string, bits: number): readonly number[] {
  const first = hashWord(word, 0);
  const second = hashWord(word, 0x9e37) | 1;
  return Array.from({ length: HASHES }, (_, n) => ((first + Math.imul(n, second)) >>> 0) % bits);
}

function holds(filter: Filter, word: string): boolean {
  const bits = filter.bits.length * 8;
  return positions(word, bits).every((at) => ((filter.bits[at >>> 3] ?? 0) & (1 << (at & 7))) !== 0);
}

/** What is known about a word: one bit for each filter, in the order of `filterNames`. */
export type Gazetteer = (word: string) => number;

let loaded: Gazetteer | undefined;

/** The built-in gazetteer, unpacked when it is first needed. */
export function gazetteer(): Gazetteer {
  return (loaded ??= openGazetteer(filterData));
}

const CACHE_WORDS = 20_000;

/** Opens packed filters: brotli of, for each filter, its length in bytes (32 bits, big endian) and its bits. */
export function openGazetteer(packed: string): Gazetteer {
  const data = brotliDecompressSync(Buffer.from(packed, 'base64'));
  const filters: Filter[] = [];
  for (let at = 0; at + 4 <= data.length;) {
    const length = data.readUInt32BE(at);
    filters.push({ bits: data.subarray(at + 4, at + 4 + length) });
    at += 4 + length;
  }
  const cache = new Map<string, number>();
  return (word) => {
    const known = cache.get(word);
    if (known !== undefined) return known;
    if (cache.size >= CACHE_WORDS) cache.clear();
    const found = filters.reduce((mask, filter, at) => mask | (holds(filter, word) ? 1 << at : 0), 0);
    cache.set(word, found);
    return found;
  };
}
