// CSV, TSV, semicolon and pipe tables (RFC 4180 and its habits): the first line names the columns.
//   row = cell *(delimiter cell) line-end;  cell = '"' *(any / '""') '"' / *(any but delimiter and line-end)
import type { FormatReader } from '../rule.ts';
import type { FieldKind } from './fields.ts';
import { inferColumns } from './inferred-columns.ts';
import {
  type Cell,
  claimedKinds,
  type Columns,
  proveColumns,
  type Row,
  rowHits,
  SAMPLE_ROWS,
  worthReading,
} from './columns.ts';

/** A quoted cell that does not end within this many characters is not taken as quoted. */
const MAX_QUOTED = 8_192;
const MAX_CELLS = 512;

interface Table {
  readonly delimiter: string;
  readonly columns: Columns;
}

export const delimitedReader: FormatReader = {
  name: 'delimited',
  stateful: true,
  accepts: (head, document, persons) =>
    document.kind === 'file' &&
    !document.binary &&
    !document.source &&
    ((persons > 0 && findHeader(head) !== undefined) ||
      (tables.test(document.extension) && bareDelimiter(head) !== undefined)),
  read({ view, from, document, carry }, emit) {
    let at = from;
    let table = isTable(carry) ? carry : undefined;
    if (carry === undefined) {
      const header = findHeader(view);
      const delimiter = header?.delimiter ?? bareDelimiter(view.slice(0, MAX_HEADER));
      if (delimiter === undefined) return null;
      at = header?.next ?? headerStart(view);
      const sample = sampleRows(view, at, delimiter);
      const columns =
        header === undefined
          ? inferColumns(view, sample, document.path)
          : proveColumns(view, header.claimed, sample, document.path);
      if (columns === undefined) return null;
      table = { delimiter, columns };
    }
    if (table === undefined) return null;
    while (at < view.length) {
      const { row, next } = readRow(view, at, table.delimiter);
      if (row.length > 1) rowHits(view, table.columns, row, 'a column of a table').forEach(emit);
      at = next;
    }
    return table;
  },
};

/** Extensions of files that are tables also where no line names their columns. */
const tables = /^(?:csv|tsv|psv|tab|dat)$/;

function sampleRows(view: string, from: number, delimiter: string): readonly Row[] {
  const sample: Row[] = [];
  for (let next = from; next < view.length && sample.length < SAMPLE_ROWS;) {
    const row = readRow(view, next, delimiter);
    if (row.row.length > 1 && !isRule(view, row.row)) sample.push(row.row);
    next = row.next;
  }
  return sample;
}

/** The delimiter that parts the first lines into as many cells, four or more. */
function bareDelimiter(head: string): string | undefined {
  const lines = head.slice(headerStart(head)).split(/\r?\n/, 4).slice(0, 3);
  return [',', '\t', ';', '|'].find((delimiter) => {
    const counts = lines.map((each) => each.split(delimiter).length);
    return lines.length === 3 && counts.every((count) => count >= 4 && count === counts[0]);
  });
}

function isTable(carry: unknown): carry is Table {
  return typeof carry === 'object' && carry !== null && 'columns' in carry && 'delimiter' in carry;
}

function isRule(view: string, row: Row): boolean {
  return row.every((cell) => /^[\s:|+-]*$/.test(view.slice(cell.start, cell.end)));
}

/** Offset of the header: behind a byte order mark, a `sep=` line, comments and empty lines. */
function headerStart(view: string): number {
  return /^(?:\xef\xbb\xbf)?(?:(?:#[^\n]{0,500}|sep=.|\s*)\r?\n){0,20}/.exec(view)?.[0].length ?? 0;
}

/** Lines in which the names of the columns may stand: exports begin with titles and dates. */
const HEADER_LINES = 12;
const MAX_HEADER = 4_096;

interface Header {
  readonly delimiter: string;
  readonly claimed: readonly (FieldKind | undefined)[];
  readonly next: number;
}

/** The first line that names columns of persons. */
function findHeader(view: string): Header | undefined {
  let at = headerStart(view);
  for (let n = 0; n < HEADER_LINES && at < view.length; n++) {
    const line = /^[^\r\n]*/.exec(view.slice(at, at + MAX_HEADER))?.[0] ?? '';
    const delimiter = headerDelimiter(line);
    if (delimiter !== undefined) {
      const { row, next } = readRow(view, at, delimiter);
      const claimed = claimedKinds(view, row);
      if (worthReading(claimed)) return { delimiter, claimed, next };
    }
    at += line.length;
    while (view[at] === '\r' || view[at] === '\n') at++;
  }
  return undefined;
}

/** The delimiter of a line that reads like column names, undefined where it does not. */
function headerDelimiter(line: string): string | undefined {
  if (line.length < 3 || /[{}<>=]|\(\)/.test(line)) return undefined;
  const bare = line.replaceAll(/"[^"]{0,80}"/g, (cell) => cell.replaceAll(/[",;|\t]/g, ' '));
  const counted = [',', '\t', ';', '|'].map((delimiter) => ({ delimiter, n: bare.split(delimiter).length }));
  const best = counted.reduce((a, b) => (b.n > a.n ? b : a));
  if (best.n < 3) return undefined;
  const cells = bare.split(best.delimiter).map((cell) => cell.trim());
  const nameLike = cells.filter(
    (cell) => cell.length <= 48 && /^(?:|[A-Za-z_\x80-\xff][\w\x80-\xff .#/'()?*:-]*)$/.test(cell),
  );
  return nameLike.length >= cells.length * 0.9 ? best.delimiter : undefined;
}

/** Reads one row from `at`; `next` is the offset of the following one. */
function readRow(view: string, at: number, delimiter: string): { readonly row: Row; readonly next: number } {
  const row: Cell[] = [];
  for (;;) {
    const quoted = view[at] === '"' ? closingQuote(view, at + 1) : -1;
    if (quoted > 0) {
      row.push({ start: at + 1, end: quoted });
      at = quoted + 1;
    }
    const start = at;
    while (at < view.length) {
      const char = view[at];
      if (char === delimiter || char === '\n' || char === '\r') break;
      at++;
    }
    if (quoted <= 0) row.push({ start, end: at });
    const char = view[at];
    at++;
    if (char === delimiter && row.length < MAX_CELLS) continue;
    return { row, next: char === '\r' && view[at] === '\n' ? at + 1 : at };
  }
}

function closingQuote(view: string, from: number): number {
  const limit = Math.min(view.length, from + MAX_QUOTED);
  for (let at = from; at < limit; at++) {
    if (view[at] !== '"') continue;
    if (view[at + 1] !== '"') return at;
    at++;
  }
  return -1;
}
