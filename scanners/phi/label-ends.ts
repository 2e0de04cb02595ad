// Whether a label can end with the word that stands in front of a colon. Most colons stand behind words that end no name
// of a field: their last five letters tell, which spares the look at all that the label may be.
import { conceptWords } from './field-concepts.ts';
import { abbreviations, endings, fillers, lexicon } from './field-names.ts';

/** Characters in front of the colon in which a label stands. */
export const LABEL_REACH = 48;

/** Letters and digits that are looked at, of six bits each; the last one is the lowest. */
const MOST = 5;
const BITS = 6;

const NUMBER_SIGN = 0x23;
/** Signs between the words of a label. */
const separators = ' \t\v\f\xa0|>,;*()';

/** 1 to 36 for letters without case and digits, 0 for signs. */
const letters = Uint8Array.from({ length: 128 }, (_, code) => {
  const value = Number.parseInt(String.fromCharCode(code), 36);
  return Number.isNaN(value) ? 0 : value + 1;
});

interface Ends {
  /** The last letters, one to five, of the names of fields, with and without what may follow them. */
  readonly tails: ReadonlySet<number>;
  /** Those that are shorter than that: a longer word may end with one. */
  readonly names: ReadonlySet<number>;
  /** Words that are written out or left out, and those that say together what a field is. */
  readonly vague: ReadonlySet<number>;
}

let ends: Ends | undefined;

/**
 * False where no label that ends in front of `end` names a field: what stands there ends neither as a name of the lexicon
 * does nor with a word that is written out or left out.
 */
export function mayEndLabel(text: string, end: number): boolean {
  const floor = Math.max(0, end - LABEL_REACH);
  let at = end - 1;
  while (at >= floor && isSign(text.charCodeAt(at))) at--;
  // A digit by itself counts what stands in front of it: `addr1`.
  if (isDigit(text.charCodeAt(at)) && !isDigit(text.charCodeAt(at - 1))) return true;
  let key = 0;
  let count = 0;
  /** Letters of the last word; words end at signs and humps. */
  let word = MOST;
  for (; at >= floor && count < MOST; at--) {
    const code = text.charCodeAt(at);
    // Letters beyond ASCII and a number sign inside of a word are left to a closer look.
    if (code >= 0x80 || code === NUMBER_SIGN) return true;
    const letter = letters[code] ?? 0;
    if (letter > 0) key |= letter << (BITS * count++);
    if (word === MOST && (letter === 0 || (isUpper(code) && isLower(text.charCodeAt(at - 1))))) word = count;
    if (letter === 0 && separators.includes(text.charAt(at))) break;
  }
  if (count === 0) return false;
  const { tails, names, vague } = (ends ??= findEnds());
  // Behind words that are left out one letter may go on with what stands in front of them: `Prénom of S`.
  if (Math.min(word, count) === 1) return true;
  if (tails.has(key) || vague.has(lastOf(key, Math.min(word, count)))) return true;
  for (let length = count - 1; length > 0; length--) if (names.has(lastOf(key, length))) return true;
  return false;
}

function isSign(code: number): boolean {
  return code < 0x80 && letters[code] === 0;
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

function isUpper(code: number): boolean {
  return code >= 0x41 && code <= 0x5a;
}

function isLower(code: number): boolean {
  return code >= 0x61 && code <= 0x7a;
}

function findEnds(): Ends {
  const names = Object.values(lexicon).flatMap((kind) => kind.replaceAll('-', '').split(/ +/));
  // A number is left out where it stands apart from its name: `Number dossier`.
  const known = [...names, ...names.map((name) => name.replace(/number$/, '')), 'id'].filter(
    (name) => name !== '',
  );
  const all = new Set(known.flatMap((name) => ['', ...endings].map((ending) => name + ending)));
  const vague = ['number', ...Object.keys(abbreviations), ...fillers, ...conceptWords];
  return {
    tails: new Set([...all].flatMap((name) => tailsOf(name))),
    names: new Set([...all].filter((name) => name.length < MOST).map((name) => keyOf(name))),
    vague: new Set(vague.map((word) => keyOf(word))),
  };
}

function tailsOf(name: string): readonly number[] {
  return Array.from({ length: Math.min(MOST, name.length) }, (_, at) => lastOf(keyOf(name), at + 1));
}

/** The last letters of a word. */
function keyOf(word: string): number {
  let key = 0;
  for (let n = 0; n < Math.min(MOST, word.length); n++)
    key |= (letters[word.charCodeAt(word.length - 1 - n)] ?? 0) << (BITS * n);
  return key;
}

function lastOf(key: number, length: number): number {
  return key & ((1 << (BITS * length)) - 1);
}
