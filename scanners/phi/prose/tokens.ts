// Words, numbers and signs of a piece of prose, with their offsets in the view. Line ends are tokens: in an address
// block they mean as much as commas.

export type Shape = 'lower' | 'capital' | 'upper' | 'mixed' | 'number' | 'sign' | 'line';

export interface Token {
  readonly start: number;
  readonly end: number;
  /** Lower case; UTF-8 bytes one by one, as in a view. */
  readonly word: string;
  readonly shape: Shape;
}

// Punctuation and symbols of Unicode are signs although their bytes look like letters (all of U+2000 to U+2FFF); other
// letters (up to U+DFFF) may follow an apostrophe or hyphen, except for the possessive s.
const token =
  /\n|(?<![A-Za-z\d])(?=[A-Za-z]*\d)(?=\d*[A-Za-z])[A-Za-z\d]{10,}(?![A-Za-z\d\x80-\xff'-])|[\xe2\xee-\xf4][\x80-\xbf]{1,3}|\xc2[\xa0-\xbf]|\d+|(?:[A-Za-z]|(?:[\xc3-\xdf]|[\xe0\xe1\xe3-\xed][\x80-\xbf])[\x80-\xbf])+(?:['-](?![sS](?![A-Za-z]))(?:[A-Za-z]|(?:[\xc3-\xdf]|[\xe0\xe1\xe3-\xed][\x80-\xbf])[\x80-\xbf])+){0,3}|[^\s]/g;

/** Reads the tokens of `view` between two offsets. */
export function readTokens(view: string, from: number, to: number): readonly Token[] {
  const tokens: Token[] = [];
  for (const match of view.slice(from, to).matchAll(token)) {
    const text = match[0];
    const start = from + match.index;
    tokens.push({ start, end: start + text.length, ...lookOf(text) });
  }
  return tokens;
}

type Look = Pick<Token, 'word' | 'shape'>;
const looks = new Map<string, Look>();
const CACHE_WORDS = 20_000;

function lookOf(text: string): Look {
  const known = looks.get(text);
  if (known !== undefined) return known;
  if (looks.size >= CACHE_WORDS) looks.clear();
  const look = isRun(text) ? RUN : { word: fold(text), shape: shapeOf(text) };
  looks.set(text, look);
  return look;
}

/** What stands for such letters. */
const RUN: Look = { word: '~', shape: 'sign' };

/** True where more than a fifth of the words are none: such a text has no sentences. */
export function isGibberish(tokens: readonly Token[]): boolean {
  const runs = tokens.filter(({ word }) => word === RUN.word).length;
  return runs * 5 > tokens.filter(({ shape }) => shape !== 'sign' && shape !== 'line').length;
}

/** True for letters that are no word of any language: encoded data, keys, what a hand on the keyboard writes. */
function isRun(text: string): boolean {
  if (text.length < 8 || !/^[A-Za-z\d]+$/.test(text)) return false;
  if (/\d/.test(text)) return /[A-Za-z]/.test(text);
  return (
    text.length > 32 ||
    /(.)\1{4}/i.test(text) ||
    (text.match(/[a-z][A-Z]/g)?.length ?? 0) >= 3 ||
    /[bcdfghjklmnpqrstvwxz]{7}/i.test(text)
  );
}

/** Lower case of a word of a view, also beyond ASCII. */
export function fold(text: string): string {
  if (!/[\x80-\xff]/.test(text)) return text.toLowerCase();
  return Buffer.from(Buffer.from(text, 'latin1').toString('utf8').toLowerCase(), 'utf8').toString('latin1');
}

function shapeOf(text: string): Shape {
  const first = text.charCodeAt(0);
  if (first === 10) return 'line';
  if (first >= 48 && first <= 57) return 'number';
  if (!/[A-Za-z\x80-\xff]/.test(text) || /^[\x80-\xc2\xe2\xee-\xff]/.test(text)) return 'sign';
  const wide = first >= 0x80;
  const plain = wide ? Buffer.from(text, 'latin1').toString('utf8') : text;
  const initial = plain.charAt(0);
  const rest = plain.slice(1);
  if (initial === initial.toLowerCase()) return rest === rest.toLowerCase() ? 'lower' : 'mixed';
  if (rest === rest.toLowerCase()) return 'capital';
  return plain === plain.toUpperCase()
    ? 'upper'
    : /^\p{Lu}\p{Ll}+(?:['-]?\p{Lu}\p{Ll}*)+$/u.test(plain)
      ? 'capital'
      : 'mixed';
}
