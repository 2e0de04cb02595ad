// Makes attacker-controlled text fit for one line on a terminal.

// Controls, and the characters that reorder, hide or break what a reader sees.
const unsafe =
  /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\u{e0000}-\u{e007f}]/gu; // eslint-disable-line no-control-regex

/** Escapes what is not plain, and cuts at `cap` characters. */
export function plainText(text: string, cap = 300): string {
  const safe = text.replaceAll(unsafe, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
  return safe.length > cap ? `${safe.slice(0, cap - 1)}…` : safe;
}
