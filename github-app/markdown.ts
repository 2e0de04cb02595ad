// Attacker-controlled text in Markdown: as code, on one line, without anything that a reader would not see.

const unsafe =
  /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\u{e0000}-\u{e007f}]/gu;

/** The text as it may stand between others, cut at `cap` characters. */
export function oneLine(text: string, cap = 200): string {
  const plain = text.toWellFormed().replaceAll(unsafe, ' ').trim();
  return plain.length > cap ? `${plain.slice(0, cap - 1)}…` : plain;
}

/** The text as code, in which nothing is a link, a mention or HTML; fit for a cell of a table. */
export function code(text: string, cap = 200): string {
  return `\`${oneLine(text, cap).replaceAll('`', "'").replaceAll('|', '¦') || ' '}\``;
}

/** Text of the operator or of the guard in a cell of a table. */
export function cell(text: string): string {
  return oneLine(text, 400).replaceAll('|', '\\|');
}

/** The text within `cap` characters, cut at the end of a line. */
export function within(text: string, cap: number): string {
  if (text.length <= cap) return text;
  const note = '\n\n… and more, which has no room here.';
  const kept = text.slice(0, cap - note.length);
  return kept.slice(0, Math.max(kept.lastIndexOf('\n'), 0)) + note;
}
