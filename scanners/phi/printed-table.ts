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
  read({ view, from, document, persons }, emit) {
    const printed = new Map<string, Hit>();
    readPrinted(view, from, document.path, persons, (hit) => {
      printed.set(view.slice(hit.start, hit.end), hit);
      emit(hit);
    });
    readHtmlTables(view, from, document.path, printed, emit);
    return null;
  },
};

type Claimed = ReturnType<typeof claimedKinds>;

/** A line that may be the header of the rows below it. What its cells claim is looked up once such a row stands there. */
interface Above {
  readonly start: number;
  readonly end: number;
  readonly cells: Row;
}

/** A header names a field of a person: nothing above the first such line, and between tables, is looked at. */
function readPrinted(
  view: string,
  from: number,
  title: string,
  persons: readonly number[] | undefined,
  emit: (hit: Hit) => void,
): void {
  let person = 0;
  const nextPerson = (at: number): number => {
    if (persons === undefined) return at;
    while (person < persons.length && (persons[person + 1] ?? 0) < at) person += 2;
    return person < persons.length
      ? Math.max(at, view.lastIndexOf('\n', persons[person] ?? 0) + 1)
      : view.length;
  };
  let above: Above | undefined;
  let claimed: Claimed | undefined;
  let rows: Row[] = [];
  const finish = (): void => {
    const columns = claimed && rows.length > 0 ? proveColumns(view, claimed, rows, title) : undefined;
    if (columns !== undefined)
      for (const row of rows) rowHits(view, columns, row, 'a printed table').forEach(emit);
    claimed = undefined;
    rows = [];
  };
  for (let at = nextPerson(from); at < view.length;) {
    const newline = view.indexOf('\n', at);
    const end = newline < 0 ? view.length : newline;
    const isRead = end - at > 12 && end - at < 4_000;
    const cells = isRead && !isOneCell(view, at, end) ? cellsOf(view, at, end, wide) : noCells;
    const header = cells.length < 2 || rows.length >= MAX_ROWS ? undefined : headerOf(cells.length);
    if (header === undefined) {
      finish();
      above = isRead && at === nextPerson(at) ? { start: at, end, cells } : undefined;
    } else {
      claimed = header;
      above = undefined;
      if (!cells.every((cell) => /^[\s:|+-]*$/.test(view.slice(cell.start, cell.end))))
        rows.push(cells.slice(cells.length - header.length));
    }
    at = end + 1;
    if (claimed === undefined && above === undefined) at = nextPerson(at);
  }
  finish();

  /** What stands above a row of this many cells, if it is a header. */
  function headerOf(count: number): Claimed | undefined {
    // A printed data frame has one more cell in its rows than in its header: the index.
    const fits = ({ length }: { readonly length: number }) => count === length || count === length + 1;
    if (claimed !== undefined) return fits(claimed) ? claimed : undefined;
    if (above === undefined) return undefined;
    // Right-justified names may stand only one blank apart.
    for (const each of [above.cells, cellsOf(view, above.start, above.end, narrow)]) {
      if (each.length < 2 || !fits(each)) continue;
      const kinds = claimedKinds(view, each);
      if (worthReading(kinds)) return kinds;
    }
    return undefined;
  }
}

const noCells: Row = [];

/** True for lines of prose and code, which have no bar and never two blanks between words: they are no rows. */
function isOneCell(view: string, from: number, end: number): boolean {
  let start = from;
  let stop = end;
  while (start < stop && isBlank(view.charCodeAt(start))) start++;
  while (stop > start && isBlank(view.charCodeAt(stop - 1))) stop--;
  for (let at = start; at < stop; at++) {
    const code = view.charCodeAt(at);
    if (code === BAR || (isBlank(code) && (code !== SPACE || isBlank(view.charCodeAt(at + 1))))) return false;
  }
  return true;
}

const BAR = 0x7c;
const SPACE = 0x20;

/** White space of expressions, as far as it stands in views. */
function isBlank(code: number): boolean {
  return code === SPACE || (code >= 9 && code <= 13) || code === 0xa0;
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
