// HTML tables in pages and in the outputs of notebooks, read tag by tag; nothing else of the page is looked at.
import type { Hit } from '../rule.ts';
import { type Cell, claimedKinds, proveColumns, type Row, rowHits, worthReading } from './columns.ts';

const MAX_ROWS = 5_000;
const MAX_TABLES = 200;
const htmlTag = /<(\/?)(table|tr|th|td)\b[^<>]{0,500}>/gi;

/**
 * Reads the HTML tables of a view. `printed` holds values that a printed table of the same document showed: notebooks
 * keep every output twice, and the second form may have lost its header.
 */
export function readHtmlTables(
  view: string,
  from: number,
  title: string,
  printed: ReadonlyMap<string, Hit>,
  emit: (hit: Hit) => void,
): void {
  htmlTag.lastIndex = from;
  let header: Cell[] = [];
  let row: Cell[] = [];
  let rows: Row[] = [];
  let tables = 0;
  /** True behind the row of the header. */
  let named = false;
  const finish = (): void => {
    const claimed = claimedKinds(view, header);
    const widest = rows[0]?.length ?? 0;
    // Where every row begins with a header cell for its index, the header has one empty cell more.
    const shift = claimed.length - widest;
    if (rows.length > 0 && worthReading(claimed)) {
      const columns = proveColumns(view, shift > 0 ? claimed.slice(shift) : claimed, rows, title);
      if (columns !== undefined)
        for (const each of rows) rowHits(view, columns, each, 'an HTML table').forEach(emit);
    } else if (rows.length > 0 && printed.size > 0)
      for (const cell of rows.flat()) {
        const same = printed.get(view.slice(cell.start, cell.end));
        if (same !== undefined) emit({ ...same, start: cell.start, end: cell.end });
      }
    header = [];
    rows = [];
    named = false;
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
      named ||= header.length > 0;
    } else if (match[1] === '') {
      const stop = view.indexOf('<', start);
      const cell = { start, end: stop < 0 || stop - start > 400 ? start : stop };
      if (name === 'td') row.push(cell);
      else if (!named && rows.length === 0 && row.length === 0) header.push(cell);
    }
  }
  if (row.length > 1) rows.push(row);
  finish();
}
