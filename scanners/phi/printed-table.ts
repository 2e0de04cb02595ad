// Tables in notebooks and pages: printed data frames, whose columns are parted by two blanks or more, and HTML tables.
// In a notebook each printed line is a JSON string; escapes stay as they are stored.
import type { FormatReader, Hit } from '../rule.ts';
import { type Cell, claimedKinds, proveColumns, type Row, rowHits, worthReading } from './columns.ts';

const MAX_ROWS = 5_000;
const MAX_TABLES = 200;

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
    readPrinted(view, from, document.path, emit);
    readHtml(view, from, document.path, emit);
    return null;
  },
};

function readPrinted(view: string, from: number, title: string, emit: (hit: Hit) => void): void {
  let at = from;
  let header: { readonly cells: Row; readonly claimed: ReturnType<typeof claimedKinds> } | undefined;
  let rows: Row[] = [];
  const finish = (): void => {
    if (header !== undefined && rows.length > 0) {
      const columns = proveColumns(view, header.claimed, rows, title);
      if (columns !== undefined)
        for (const row of rows) rowHits(view, columns, row, 'a printed table').forEach(emit);
    }
    header = undefined;
    rows = [];
  };
  while (at < view.length) {
    const newline = view.indexOf('\n', at);
    const end = newline < 0 ? view.length : newline;
    const cells = end - at > 12 && end - at < 4_000 ? columnsOf(view, at, end) : [];
    if (
      header !== undefined &&
      rows.length < MAX_ROWS &&
      Math.abs(cells.length - header.cells.length) <= 1 &&
      cells.length > 2
    ) {
      // A printed data frame has one more cell in its rows: the index.
      const row = cells.slice(cells.length - header.cells.length);
      if (row.length === header.cells.length) rows.push(row);
    } else {
      finish();
      if (cells.length >= 3) {
        const claimed = claimedKinds(view, cells);
        if (worthReading(claimed)) header = { cells, claimed };
      }
    }
    at = end + 1;
  }
  finish();
}

/** Cells of a printed line, without the quotes of a JSON string and markdown's bars around it. */
function columnsOf(view: string, from: number, end: number): Row {
  const text = view.slice(from, end);
  const bars = text.includes('|');
  const inner = /^\s*(?:"[a-z/]{4,12}"\s*:\s*\[?\s*)?(?:\[\s*)?"?/.exec(text)?.[0].length ?? 0;
  const tail = /(?:\\n)?"?[\s,\]]{0,8}$/.exec(text)?.[0].length ?? 0;
  const body = text.slice(inner, text.length - tail);
  const cells: Cell[] = [];
  const cell = bars ? /[^|\s](?:[^|]*[^|\s])?/g : /[^\s](?:[^\s]| (?! ))*/g;
  for (const match of body.matchAll(cell)) {
    if (cells.length > 200) return [];
    const start = from + inner + match.index;
    cells.push({ start, end: start + match[0].trimEnd().length });
  }
  return cells;
}

const htmlTag = /<(\/?)(table|tr|th|td)\b[^<>]{0,500}>/gi;

function readHtml(view: string, from: number, title: string, emit: (hit: Hit) => void): void {
  htmlTag.lastIndex = from;
  let header: Cell[] = [];
  let row: Cell[] = [];
  let rows: Row[] = [];
  let tables = 0;
  const finish = (): void => {
    const claimed = claimedKinds(view, header);
    const widest = rows[0]?.length ?? 0;
    // Where every row begins with a header cell for its index, the header has one empty cell more.
    const shift = claimed.length - widest;
    if (rows.length > 0 && worthReading(claimed)) {
      const columns = proveColumns(view, shift > 0 ? claimed.slice(shift) : claimed, rows, title);
      if (columns !== undefined)
        for (const each of rows) rowHits(view, columns, each, 'an HTML table').forEach(emit);
    }
    header = [];
    rows = [];
  };
  for (let match = htmlTag.exec(view); match && tables < MAX_TABLES; match = htmlTag.exec(view)) {
    const name = (match[2] ?? '').toLowerCase();
    const start = match.index + match[0].length;
    if (name === 'table') {
      finish();
      tables++;
    } else if (name === 'tr') {
      if (row.length > 1 && rows.length < MAX_ROWS) rows.push(row);
      row = [];
    } else if (match[1] === '') {
      const stop = view.indexOf('<', start);
      const cell = { start, end: stop < 0 || stop - start > 400 ? start : stop };
      if (name === 'td') row.push(cell);
      else if (rows.length === 0 && row.length === 0) header.push(cell);
    }
  }
  if (row.length > 1) rows.push(row);
  finish();
}
