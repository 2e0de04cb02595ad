// Splits the name of a field into words without expressions: names are many, and nearly all are plain ASCII.

const OTHER = 0;
const LOWER = 1;
const UPPER = 2;
const DIGIT = 3;
/** Signs that mean something, and letters beyond ASCII. */
const SPECIAL = 4;

const classes = Uint8Array.from({ length: 128 }, (_, code) => {
  if (code >= 0x61 && code <= 0x7a) return LOWER;
  if (code >= 0x41 && code <= 0x5a) return UPPER;
  if (code >= 0x30 && code <= 0x39) return DIGIT;
  return code === 0x28 || code === 0x23 ? SPECIAL : OTHER;
});

/**
 * The words of an ASCII name, split at signs and humps, in lower case; undefined where the name holds other letters, a
 * bracket or a number sign.
 */
export function plainWords(name: string): readonly string[] | undefined {
  const words: string[] = [];
  let start = -1;
  let before = OTHER;
  for (let at = 0; at < name.length; at++) {
    const kind = classes[name.charCodeAt(at)] ?? SPECIAL;
    if (kind === SPECIAL) return undefined;
    if (start >= 0 && (kind === OTHER || (kind === UPPER && before === LOWER))) {
      words.push(name.slice(start, at).toLowerCase());
      start = -1;
    }
    if (kind !== OTHER && start < 0) start = at;
    before = kind;
  }
  if (start >= 0) words.push(name.slice(start).toLowerCase());
  return words;
}
