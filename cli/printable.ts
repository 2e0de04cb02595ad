// Text from outside on a terminal: names of files may hold characters that a terminal would obey.

/** `text` with control characters and marks of writing direction replaced. */
export function printable(text: string): string {
  return text.replaceAll(/[\0-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/g, '\ufffd');
}
