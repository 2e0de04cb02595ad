// Tables in notebooks, pages and logs: printed data frames, whose columns are parted by blanks, and HTML tables.
// In a notebook each printed line is a JSON string; escapes stay as they are stored.
import type { FormatReader, Hit } from '../rule.ts';
import { readHtmlTables } from './html-table.ts';
import { type Cell, claimedKinds, proveColumns, type Row, rowHits, worthReading } from './columns.ts';

const MAX_ROWS = 5_000;

export const printedTableReader: FormatReader = {
  name: 'printed-table',
  stateful: false,
  accepts: (head, document, persons) =>
    persons > 0 &&
    document.kind === 'file' &&
    !document.binary &&
    (document.extension === 'ipynb' ||
      /"cells"\s*:|<(?:table|html)\b/i.test(head) ||
      /^(?:html?|md|txt|log|out|rst)$/.test(document.extension)),
  read({ view, from, document }, emit) {
    const printed = new Map<string, Hit>();
    readPrinted(view, from, document.path, (hit) => {
      printed.set(view.slice(hit.start, hit.end), hit);
      emit(hit);
    });
    readHtmlTables(view, from, document.path, printed, emit);
    return null;
  },
};

type Claimed = ReturnType<typeof claimedKinds>;

function readPrinted(view: string, from: number, title: string, emit: (hit: Hit) => void): void {
  let headers: readonly Claimed[] = [];
  let rows: Row[] = [];
  const finish = (): void => {
    const claimed = headers[0];
    const columns = claimed && rows.length > 0 ? proveColumns(view, claimed, rows, title) : undefined;
    if (columns !== undefined)
      for (const row of rows) rowHits(view, columns, row, 'a printed table').forEach(emit);
    headers = [];
    rows = [];
  };
  for (let at = from; at < view.length;) {
    const newline = view.indexOf('\n', at);
    const end = newline < 0 ? view.length : newline;
    const cells = end - at > 12 && end - at < 4_000 ? cellsOf(view, at, end, wide) : [];
    // A printed data frame has one more cell in its rows than in its header: the index.
    const fitting = headers.filter(
      (claimed) => cells.length - claimed.length === 0 || cells.length - claimed.length === 1,
    );
    const claimed = fitting[0];
    if (claimed !== undefined && cells.length > 1 && rows.length < MAX_ROWS) {
      headers = [claimed];
      if (!cells.every((cell) => /^[\s:|+-]*$/.test(view.slice(cell.start, cell.end))))
        rows.push(cells.slice(cells.length - claimed.length));
    } else {
      finish();
      // Right-justified names may stand only one blank apart.
      if (cells.length > 0)
        headers = [cells, cellsOf(view, at, end, narrow)]
          .filter((each) => each.length > 1)
          .map((each) => claimedKinds(view, each))
          .filter(worthReading);
    }
    at = end + 1;
  }
  finish();
}

const wide = /[^\s](?:[^\s]| (?! ))*/g;
const narrow = /\S+/g;
const barred = /[^|\s](?:[^|]*[^|\s])?/g;

/** Cells of a printed line, without the quotes of a JSON string and markdown's bars around it. */
function cellsOf(view: string, from: number, end: number, blanks: RegExp): Row {
  const text = view.slice(from, end);
  const bars = text.includes('|');
  const inner = /^\s*(?:"[a-z/]{4,12}"\s*:\s*\[?\s*)?(?:\[\s*)?"?/.exec(text)?.[0].length ?? 0;
  const body = text.slice(inner, bodyEnd(text));
  const cells: Cell[] = [];
  for (const match of body.matchAll(bars ? barred : blanks)) {
    if (cells.length > 200) return [];
    const start = from + inner + match.index;
    cells.push({ start, end: start + match[0].trimEnd().length });
  }
  return cells;
}

/** End of a line's text: without `\\n"` and up to eight blanks, commas and brackets behind it. */
function bodyEnd(text: string): number {
  let end = text.length;
  while (end > 0 && text.length - end < 8 && /[\s,\]]/.test(text.charAt(end - 1))) end--;
  if (text.charAt(end - 1) === '"') end--;
  return text.endsWith('\\n', end) ? end - 2 : end;
}
