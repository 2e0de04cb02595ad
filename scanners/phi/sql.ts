// Rows in SQL text: INSERT … (columns) VALUES (…), (…) and PostgreSQL's COPY … (columns) FROM stdin.
// Columns of an INSERT without a list are taken from the CREATE TABLE before it.
import type { FormatReader, Hit } from '../rule.ts';
import {
  type Cell,
  claimedKinds,
  type Columns,
  proveColumns,
  type Row,
  rowHits,
  worthReading,
} from './columns.ts';
import { readText } from '../decode.ts';
import { type FieldKind, fieldKind } from './fields.ts';
import { inferColumns } from './inferred-columns.ts';
import { splitAt } from './split.ts';

type Kinds = readonly (FieldKind | undefined)[];

/** A statement whose rows go on in the next window. */
interface Open {
  readonly mode: 'values' | 'copy' | 'copy-csv';
  readonly title: string;
  readonly claimed: Kinds;
  readonly columns: Columns | undefined;
}

interface SqlCarry {
  readonly open: Open | undefined;
  readonly tables: ReadonlyMap<string, Kinds>;
}

const statement =
  /\b(?:INSERT\s{1,8}(?:IGNORE\s{1,4}|OR\s\w{1,10}\s)?INTO|INSERT(?=\s\[)|COPY|CREATE\s{1,8}TABLE(?:\s{1,4}IF\s{1,4}NOT\s{1,4}EXISTS)?)\s{1,8}([\w.$"`[\]]{1,128})\s{0,8}(\(|VALUES)/gi;

/** Rows judged together, so that memory stays bounded in a statement of any length. */
const BATCH_ROWS = 50;
const MAX_TABLES = 500;

export const sqlReader: FormatReader = {
  name: 'sql',
  stateful: true,
  accepts: (head, document, persons) =>
    persons > 0 &&
    !document.binary &&
    (document.extension === 'sql' || /\b(?:insert\s+into|copy|create\s+table)\b/i.test(head)),
  read({ view, from, carry }, emit) {
    const tables = new Map(isCarry(carry) ? carry.tables : []);
    let open = isCarry(carry) ? carry.open : undefined;
    let at = from;
    if (open !== undefined) {
      const rest = readRows(view, at, open, emit);
      open = rest.open;
      at = rest.next;
    }
    statement.lastIndex = at;
    for (let match = statement.exec(view); open === undefined && match; match = statement.exec(view)) {
      const title = (match[1] ?? '').replaceAll(/["`[\]]/g, '');
      const hasList = match[2] === '(';
      const list = hasList ? readTuple(view, statement.lastIndex - 1) : undefined;
      if (hasList && list === undefined) continue;
      if (/^CREATE/i.test(match[0])) {
        if (list !== undefined && tables.size < MAX_TABLES) tables.set(title, createdKinds(view, list.row));
        continue;
      }
      const claimed =
        list === undefined
          ? (tables.get(title) ?? [])
          : claimedKinds(
              view,
              list.row.map((cell) => unquote(view, cell)),
            );
      // Of a dump without its CREATE TABLE only the values tell.
      const untold = list === undefined && !tables.has(title);
      if (!untold && !worthReading(claimed)) continue;
      const tail = rowsStart(view, list?.next ?? statement.lastIndex, match[0], hasList);
      if (tail === undefined) continue;
      const rest = readRows(view, tail.next, { mode: tail.mode, title, claimed, columns: undefined }, emit);
      open = rest.open;
      statement.lastIndex = Math.max(rest.next, statement.lastIndex);
    }
    const result: SqlCarry = { open, tables };
    return result;
  },
};

function isCarry(carry: unknown): carry is SqlCarry {
  return typeof carry === 'object' && carry !== null && 'tables' in carry;
}

function createdKinds(view: string, definitions: Row): Kinds {
  return definitions.map((cell) =>
    fieldKind(
      /^[\s"`[]*([\w$]{1,64})/.exec(readText(view, cell.start, Math.min(cell.end, cell.start + 80)))?.[1] ??
        '',
    ),
  );
}

/** Finds where the rows begin behind a column list. */
function rowsStart(
  view: string,
  at: number,
  head: string,
  hasList: boolean,
): { readonly mode: Open['mode']; readonly next: number } | undefined {
  if (!hasList) return { mode: 'values', next: at };
  const after = view.slice(at, at + 400);
  if (/^COPY/i.test(head)) {
    const stdin = /^\s{0,8}FROM\s{1,8}stdin([^\n]{0,200})\n/i.exec(after);
    if (stdin === null) return undefined;
    return { mode: /\bcsv\b/i.test(stdin[1] ?? '') ? 'copy-csv' : 'copy', next: at + stdin[0].length };
  }
  const values = /^\s{0,40}(?:OVERRIDING\s\w{1,8}\sVALUE\s)?VALUES?/i.exec(after);
  return values ? { mode: 'values', next: at + values[0].length } : undefined;
}

function readRows(
  view: string,
  from: number,
  statementOpen: Open,
  emit: (hit: Hit) => void,
): { readonly next: number; readonly open: Open | undefined } {
  const { mode, title, claimed } = statementOpen;
  let columns = statementOpen.columns;
  let batch: Row[] = [];
  let at = from;
  const flush = (): void => {
    columns ??=
      claimed.length === 0 ? inferColumns(view, batch, title) : proveColumns(view, claimed, batch, title);
    if (columns !== undefined)
      for (const row of batch) rowHits(view, columns, row, 'a row of SQL').forEach(emit);
    batch = [];
  };
  for (;;) {
    const read =
      mode === 'values' ? readNextTuple(view, at) : readCopyLine(view, at, mode === 'copy' ? '\t' : ',');
    if (read.row !== undefined) batch.push(read.row);
    if (read.row === undefined || batch.length >= BATCH_ROWS) flush();
    at = read.next;
    if (read.row === undefined)
      return { next: at, open: read.more ? { mode, title, claimed, columns } : undefined };
  }
}

interface ReadRow {
  readonly row: Row | undefined;
  readonly next: number;
  /** True where the text ended before the statement did. */
  readonly more: boolean;
}

function readCopyLine(view: string, at: number, delimiter: string): ReadRow {
  if (at >= view.length) return { row: undefined, next: at, more: true };
  const newline = view.indexOf('\n', at);
  const end = newline < 0 ? view.length : newline;
  if (view.startsWith('\\.', at)) return { row: undefined, next: end, more: false };
  return { row: splitAt(view, at, end, delimiter), next: end + 1, more: false };
}

function readNextTuple(view: string, at: number): ReadRow {
  while (at < view.length && /[\s,]/.test(view[at] ?? '')) at++;
  if (at >= view.length) return { row: undefined, next: at, more: true };
  if (view[at] !== '(') return { row: undefined, next: at, more: false };
  const tuple = readTuple(view, at);
  if (tuple === undefined) return { row: undefined, next: at + 1, more: false };
  return { row: tuple.row.map((cell) => unquote(view, cell)), next: tuple.next, more: false };
}

const MAX_TUPLE = 65_536;
/** Brackets inside a tuple; more is no row, and reading on would be work for every statement that never ends. */
const MAX_NESTED = 8;

/** Reads `( a, b, … )` at `at`; commas inside quotes and nested brackets do not part cells. */
function readTuple(view: string, at: number): { readonly row: Row; readonly next: number } | undefined {
  const row: Cell[] = [];
  const limit = Math.min(view.length, at + MAX_TUPLE);
  let start = at + 1;
  let depth = 0;
  for (let i = at + 1; i < limit; i++) {
    const char = view[i];
    if (char === "'" || char === '"' || char === '`') {
      for (i++; i < limit; i++) {
        if (view[i] === '\\') i++;
        else if (view[i] === char) {
          if (view[i + 1] !== char) break;
          i++;
        }
      }
    } else if (char === '(') {
      if (++depth > MAX_NESTED) return undefined;
    } else if (char === ')' && depth > 0) depth--;
    else if (char === ')') {
      row.push({ start, end: i });
      return { row, next: i + 1 };
    } else if (char === ',' && depth === 0) {
      row.push({ start, end: i });
      start = i + 1;
    }
  }
  return undefined;
}

function unquote(view: string, cell: Cell): Cell {
  let { start, end } = cell;
  while (start < end && view.charCodeAt(start) <= 32) start++;
  while (end > start && view.charCodeAt(end - 1) <= 32) end--;
  const call = /^(?:CAST|CONVERT|TO_DATE|STR_TO_DATE|DATE|TIMESTAMP)\b[^'"]{0,40}?(?=[NE]?')/i.exec(
    view.slice(start, Math.min(end, start + 64)),
  );
  if (call !== null) {
    start += call[0].length;
    const quote = view.indexOf("'", view.indexOf("'", start) + 1);
    if (quote > start && quote < end) end = quote + 1;
  }
  if (/^[NE]'/i.test(view.slice(start, start + 2))) start++;
  const open = view[start] ?? '';
  if (
    end - start >= 2 &&
    ((/['"`]/.test(open) && view[end - 1] === open) || (open === '[' && view[end - 1] === ']'))
  )
    return { start: start + 1, end: end - 1 };
  return { start, end };
}
