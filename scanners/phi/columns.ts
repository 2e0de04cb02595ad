// Tables whose columns are typed by their headers and proved by their values: CSV, SQL rows, printed and HTML tables.
// A header alone is only a claim; at least three of five sampled values must fit it.
import { readText } from '../decode.ts';
import type { Hit } from '../rule.ts';
import { type FieldKind, fieldKind, namesPatients } from './fields.ts';
import { judgeFields, recordConfidence, type RecordField, recordHits } from './record.ts';

/** A cell's place in the view; quotes and padding are outside. */
export interface Cell {
  readonly start: number;
  readonly end: number;
}
export type Row = readonly Cell[];

/** Columns that were found to hold a person's data, and how sure that is. */
export interface Columns {
  readonly kinds: readonly (FieldKind | undefined)[];
  readonly confidence: number;
}

/** Rows that are looked at before any is reported. */
export const SAMPLE_ROWS = 100;
const FITTING = 0.6;

/** The kinds that header cells claim. */
export function claimedKinds(view: string, header: Row): readonly (FieldKind | undefined)[] {
  const names = header.map((cell) => readText(view, cell.start, cell.end));
  const kinds = names.map(fieldKind);
  return kinds.map((kind, at) => partOfName(names, kinds, at) ?? kind);
}

const parts: readonly (readonly [RegExp, FieldKind])[] = [
  [/^\W*(?:first|middle)\W*$/i, 'given-name'],
  [/^\W*(?:last|maiden)\W*$/i, 'family-name'],
];

/**
 * What a column holds that says less than it means beside another: `first` beside `last`, and the word for a name,
 * which is the family name beside a given name (`Nom`, `Prénom`) and the other way round (`Nome`, `Sobrenome`).
 */
function partOfName(
  names: readonly string[],
  kinds: readonly (FieldKind | undefined)[],
  at: number,
): FieldKind | undefined {
  const told = parts.find(([pattern]) => pattern.test(names[at] ?? ''));
  if (told !== undefined && kinds.some((kind) => kind === 'birth-date' || kind === 'ssn')) {
    const pair = parts.every(([pattern]) => names.some((name) => pattern.test(name)));
    return pair ? told[1] : undefined;
  }
  if (kinds[at] !== 'bare-name' || kinds.includes('full-name')) return undefined;
  const [given, family] = [kinds.includes('given-name'), kinds.includes('family-name')];
  if (given === family) return undefined;
  return given ? 'family-name' : 'given-name';
}

/** True where a header claims enough for its rows to be looked at. */
export function worthReading(kinds: readonly (FieldKind | undefined)[]): boolean {
  const claimed = new Set(kinds.filter((kind) => kind !== undefined));
  return claimed.size >= 2 && recordConfidence(claimed, true) > 0;
}

/** Proves claimed columns by sample rows; undefined where they are not a table of persons. */
export function proveColumns(
  view: string,
  claimed: readonly (FieldKind | undefined)[],
  sample: readonly Row[],
  title: string,
): Columns | undefined {
  const kinds = claimed.map((kind, at) => {
    if (kind === undefined) return undefined;
    const cells = sample.flatMap((row) => row[at] ?? []).filter((cell) => !isBlank(view, cell));
    const fitting = judgeFields(
      view,
      cells.map((cell) => ({ kind, ...cell })),
    ).length;
    return cells.length > 0 && fitting >= cells.length * FITTING ? kind : undefined;
  });
  const proved = new Set(kinds.filter((kind) => kind !== undefined));
  const confidence = proved.size < 2 ? 0 : recordConfidence(proved, namesPatients(title));
  return confidence === 0 ? undefined : { kinds, confidence };
}

function isBlank(view: string, cell: Cell): boolean {
  return cell.end - cell.start < 12 && /^\s*(?:|null|\\N|n\/a|-)\s*$/i.test(view.slice(cell.start, cell.end));
}

/** Hits of one row of proved columns. */
export function rowHits(view: string, columns: Columns, row: Row, place: string): readonly Hit[] {
  const fields: RecordField[] = [];
  columns.kinds.forEach((kind, at) => {
    const cell = row[at];
    if (kind !== undefined && cell !== undefined) fields.push({ kind, ...cell });
  });
  return recordHits(judgeFields(view, fields), columns.confidence, place);
}
