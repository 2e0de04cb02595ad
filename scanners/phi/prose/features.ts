// What the tagger sees of a token: the word, its shape and endings, the words around it, what the gazetteer knows, and
// the tags already given. Each feature is hashed into a slot of the model. Training and tagging use this same file.
import { hashWord } from './gazetteer.ts';
import type { Token } from './tokens.ts';

/** Tags: outside, a person's name, a place of an address, a country or state, an organisation. */
export const tags = ['O', 'N', 'L', 'G', 'R'] as const;
export type Tag = (typeof tags)[number];

/** Slots of the model, a power of two. */
export const SLOTS = 1 << 16;

/** What is the same for every look at one token, computed once. */
export interface Seen {
  readonly word: string;
  readonly shape: string;
  /** Gazetteer bits as a short text. */
  readonly known: string;
}

const GIVEN = 1;
const FAMILY = 2;
const PLACE = 4;
const STREET = 8;
const COUNTRY = 16;

/** Describes a token by what the gazetteer knows of it. */
export function see(token: Token, known: number): Seen {
  const common =
    (known & 32) !== 0
      ? '1'
      : (known & 64) !== 0
        ? '2'
        : (known & 128) !== 0
          ? '3'
          : (known & 256) !== 0
            ? '5'
            : '-';
  const listed =
    ((known & GIVEN) !== 0 ? 'g' : '') +
    ((known & FAMILY) !== 0 ? 'f' : '') +
    ((known & PLACE) !== 0 ? 'p' : '') +
    ((known & STREET) !== 0 ? 's' : '') +
    ((known & COUNTRY) !== 0 ? 'c' : '');
  const { word, shape } = token;
  if (shape === 'number') return { word: `#${Math.min(word.length, 8)}`, shape, known: '#' };
  if (shape === 'sign' || shape === 'line') return { word, shape, known: '.' };
  return { word, shape, known: listed + common };
}

const outside: Seen = { word: '', shape: '', known: '' };

/**
 * Slots of the features of token `at`. `before` and `before2` are the tags of the two tokens in front; `plain` is true
 * where the text makes no use of capitals, which then say nothing.
 */
export function featureSlots(
  seen: readonly Seen[],
  at: number,
  before: string,
  before2: string,
  plain: boolean,
  slots: number[],
): void {
  const here = seen[at] ?? outside;
  const p1 = seen[at - 1] ?? outside;
  const p2 = seen[at - 2] ?? outside;
  const n1 = seen[at + 1] ?? outside;
  const n2 = seen[at + 2] ?? outside;
  const { word, known } = here;
  const shape = plain ? 'x' : here.shape;
  const next = plain ? 'x' : n1.shape;
  const prior = plain ? 'x' : p1.shape;
  const starts = p1.shape === '' || p1.shape === 'line' || /^[.!?>:"]$/.test(p1.word) ? 's' : '-';
  let n = 0;
  const add = (feature: string): void => {
    slots[n++] = hashWord(feature, 7) & (SLOTS - 1);
  };
  add(`w${word}`);
  add(`wb${word}|${before}`);
  add(`k${known}|${shape}|${starts}`);
  add(`kb${known}|${shape}|${before}`);
  add(`kn${known}|${n1.known}|${shape}|${next}`);
  add(`kp${p1.known}|${known}|${prior}|${shape}`);
  add(`kpn${p1.known}|${known}|${n1.known}`);
  add(`s${shape}|${starts}|${before}`);
  add(`ss${prior}|${shape}|${next}`);
  add(`p1${p1.word}`);
  add(`p1k${p1.word}|${known}|${shape}`);
  add(`p2${p2.word}|${p1.word}`);
  add(`p2k${p2.word}|${known}`);
  add(`p3${p2.word}|${p1.word}|${known}`);
  add(`n1${n1.word}`);
  add(`n1k${n1.word}|${known}|${shape}`);
  add(`n2${n1.word}|${n2.word}`);
  add(`n2k${n1.known}|${n2.known}|${before}`);
  add(`pn${p1.word}|${n1.word}`);
  add(`b${before}|${before2}`);
  add(`bk${before}|${before2}|${known}|${shape}`);
  add(`bn${before}|${known}|${n1.known}`);
  add(`bp${before}|${p1.word}|${known}`);
  if (here.shape !== 'number' && here.shape !== 'sign' && here.shape !== 'line') {
    add(`e2${word.slice(-2)}|${known.at(-1)}`);
    add(`e3${word.slice(-3)}`);
    add(`e4${word.slice(-4)}`);
    add(`a3${word.slice(0, 3)}`);
    add(`e3b${word.slice(-3)}|${before}`);
    add(`e4k${word.slice(-4)}|${shape}`);
    add(`len${Math.min(word.length, 10)}|${known}`);
  }
  slots.length = n;
}
