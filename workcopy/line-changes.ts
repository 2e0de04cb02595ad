// Which lines a change adds to files, read from `git diff -U0` as it streams: only the heads of lines are kept.
//   diff = *("diff --git" … LF  *(header LF)  *("@@ -a,b +c,d @@" … LF  *(("+" / "-" / "\") … LF)))

/** First and last line, 1-based, both included. */
export type LineRange = readonly [number, number];

/** Characters of a line that are looked at. */
const headLength = 96;

/**
 * For each file of the diff in its order the ranges of lines that it adds, or undefined for a binary file, whose every
 * byte counts.
 */
export async function* readLineChanges(
  diff: AsyncIterable<Uint8Array>,
): AsyncGenerator<readonly LineRange[] | undefined> {
  let current: LineRange[] | undefined;
  let isOpen = false;
  for await (const head of lineHeads(diff)) {
    if (head.startsWith('diff --git ')) {
      if (isOpen) yield current;
      current = [];
      isOpen = true;
    } else if (head.startsWith('Binary files ')) current = undefined;
    else {
      const range = readHunk(head);
      if (range !== undefined) current?.push(range);
    }
  }
  if (isOpen) yield current;
}

function readHunk(head: string): LineRange | undefined {
  const match = /^@@ -\d+(?:,\d+)? \+(\d+)(?:,(\d+))? @@/.exec(head);
  if (match === null) return undefined;
  const from = Number(match[1]);
  const count = Number(match[2] ?? 1);
  return count === 0 ? undefined : [from, from + count - 1];
}

async function* lineHeads(source: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let head = '';
  for await (const chunk of source) {
    const text = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).toString('latin1');
    let at = 0;
    for (;;) {
      const end = text.indexOf('\n', at);
      if (head.length < headLength)
        head += text.slice(at, end < 0 ? at + headLength : Math.min(end, at + headLength));
      if (end < 0) break;
      yield head;
      head = '';
      at = end + 1;
    }
  }
  if (head !== '') yield head;
}
