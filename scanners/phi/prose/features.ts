// What the tagger sees of a token: the word, its shape and endings, the words around it, what the gazetteer knows, and
// the tags already given. Each feature is hashed into a slot of the model. Training and tagging use this same file.
import { hashWord } from './gazetteer.ts';
import type { Token } from './tokens.ts';

/** Tags: outside, a person's name, a place of an address, a country or state, an organisation. */
export const tags = ['O', 'N', 'L', 'G', 'R'] as const;
export type Tag = (typeof tags)[number];

/** Slots of the model, a power of two. */
export const SLOTS = 1 << 16;

/** What is the same for every look at one token, computed once; numbers are hashes. */
export interface Seen {
  readonly word: number;
  readonly shape: Token['shape'] | '';
  readonly shapeCode: number;
  /** What the gazetteer knows of it. */
  readonly known: number;
  /** Hashes of the last two, three and four and the first three letters; all 0 in what is no word. */
  readonly endings: readonly [number, number, number, number];
  /** How common a word of English it is, 0 for none. */
  readonly common: number;
  readonly length: number;
  /** True where a sentence may begin behind it. */
  readonly ends: boolean;
}

const NAMES = 31;
const noEndings: Seen['endings'] = [0, 0, 0, 0];
const shapes: readonly Token['shape'][] = ['lower', 'capital', 'upper', 'mixed', 'number', 'sign', 'line'];
const outside: Seen = {
  ...{ word: 1, shape: '', shapeCode: 0, known: 0, endings: noEndings, common: 0, length: 0 },
  ends: true,
};
/** Stands for any shape in text without capitals. */
const ANY_SHAPE = 15;

/** Describes a token by what the gazetteer knows of it: a bit for each list, names first, words of English last. */
export function see({ word, shape }: Token, known: number): Seen {
  const shapeCode = shapes.indexOf(shape) + 1;
  const base = { shape, shapeCode, endings: noEndings, common: 0, length: 0, ends: false };
  if (shape === 'number') return { ...base, word: 2 + Math.min(word.length, 8), known: 1 };
  if (shape === 'sign' || shape === 'line')
    return { ...base, word: hashWord(word, 3), known: 2, ends: /^[\n.!?>:"]$/.test(word) };
  // The most common list that holds a word says enough.
  const common =
    (known & 32) !== 0 ? 1 : (known & 64) !== 0 ? 2 : (known & 128) !== 0 ? 3 : (known & 256) !== 0 ? 4 : 0;
  return {
    ...base,
    word: hashWord(word, 3),
    known: 8 + (known & NAMES) * 8 + common,
    endings: [
      hashWord(word.slice(-2), 4),
      hashWord(word.slice(-3), 5),
      hashWord(word.slice(-4), 6),
      hashWord(word.slice(0, 3), 7),
    ],
    common: common + 1,
    length: Math.min(word.length, 10),
  };
}

function mix(hash: number, value: number): number {
  const mixed = Math.imul(hash ^ value, 0x9e3779b1);
  return mixed ^ (mixed >>> 15);
}

/** The slot of a feature: which one it is, and up to four values. */
function slot(feature: number, a: number, b = 0, c = 0, d = 0): number {
  return mix(mix(mix(mix(Math.imul(feature, 0x85ebca6b), a), b), c), d) & (SLOTS - 1);
}

/** Features of one token at most. */
export const MAX_FEATURES = 32;

/**
 * Writes the slots of the features of token `at` and returns how many there are. `before` and `before2` are the numbers
 * of the tags of the two tokens in front, -1 at the start; `plain` is true where the text makes no use of capitals,
 * which then say nothing.
 */
export function featureSlots(
  seen: readonly Seen[],
  at: number,
  before: number,
  before2: number,
  plain: boolean,
  slots: Int32Array,
): number {
  const here = seen[at] ?? outside;
  const p1 = seen[at - 1] ?? outside;
  const p2 = seen[at - 2] ?? outside;
  const n1 = seen[at + 1] ?? outside;
  const n2 = seen[at + 2] ?? outside;
  const { word, known } = here;
  const shape = plain ? ANY_SHAPE : here.shapeCode;
  const next = plain ? ANY_SHAPE : n1.shapeCode;
  const prior = plain ? ANY_SHAPE : p1.shapeCode;
  const starts = p1.ends ? 1 : 0;
  const tag = before + 1;
  const tag2 = before2 + 1;
  slots[0] = slot(1, word);
  slots[1] = slot(2, word, tag);
  slots[2] = slot(3, known, shape, starts);
  slots[3] = slot(4, known, shape, tag);
  slots[4] = slot(5, known, n1.known, shape, next);
  slots[5] = slot(6, p1.known, known, prior, shape);
  slots[6] = slot(7, p1.known, known, n1.known);
  slots[7] = slot(8, shape, starts, tag);
  slots[8] = slot(9, prior, shape, next);
  slots[9] = slot(10, p1.word);
  slots[10] = slot(11, p1.word, known, shape);
  slots[11] = slot(12, p2.word, p1.word);
  slots[12] = slot(13, p2.word, known);
  slots[13] = slot(14, p2.word, p1.word, known);
  slots[14] = slot(15, n1.word);
  slots[15] = slot(16, n1.word, known, shape);
  slots[16] = slot(17, n1.word, n2.word);
  slots[17] = slot(18, n1.known, n2.known, tag);
  slots[18] = slot(19, p1.word, n1.word);
  slots[19] = slot(20, tag, tag2);
  slots[20] = slot(21, tag, tag2, known, shape);
  slots[21] = slot(22, tag, known, n1.known);
  slots[22] = slot(23, tag, p1.word, known);
  if (here.common === 0) return 23;
  const [end2, end3, end4, start3] = here.endings;
  slots[23] = slot(24, end2, here.common);
  slots[24] = slot(25, end3);
  slots[25] = slot(26, end4);
  slots[26] = slot(27, start3);
  slots[27] = slot(28, end3, tag);
  slots[28] = slot(29, end4, shape);
  slots[29] = slot(30, here.length, known);
  return 30;
}
