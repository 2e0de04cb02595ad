// What the columns of a table without a header hold, by their values alone: most rows must agree, and a name beside a
// number or date of a person must be among them.
import { fold } from './prose/tokens.ts';
import { gazetteer } from './prose/gazetteer.ts';
import type { Columns, Row } from './columns.ts';
import { type FieldKind, namesPatients } from './fields.ts';
import { judgeValue } from './values.ts';

const LEAST_ROWS = 3;
const LEAST_COLUMNS = 4;
const SAMPLE = 50;
/** Part of the cells of a column that must look alike. */
const ALIKE = 0.8;
/** Names that are not listed are names, too. */
const LISTED = 0.5;

const street =
  /^\d{1,6} .*\b(?:st|street|ave|avenue|rd|road|dr|drive|ln|lane|blvd|boulevard|ct|court|pl|place|way|ter|terrace|cir|circle|hwy|pkwy|sq|loop|trl)\b\.?|^(?:calle|rua|rue|avda|avenida) |(?:stra\xc3\x9fe|strasse|str\.|weg|gasse|platz) \d/i;

const city = /^[A-Z\xc3][A-Za-z\x80-\xff.' -]{2,40}$/;

/** Shapes that say what a value is; the first that most cells have. */
const shapes: readonly (readonly [FieldKind, RegExp])[] = [
  ['ssn', /^\d{3}-\d{2}-\d{4}$/],
  ['email', /^[\w.+'-]{1,64}@[\w.-]{3,80}$/],
  ['phone', /^(?:\+?1[ .-]?)?(?:\(\d{3}\) ?|\d{3}[ .-])\d{3}[ .-]\d{4}$|^\+\d{1,3}[ \d().-]{7,16}$/],
  [
    'birth-date',
    /^(?:19|20)\d\d[-/](?:0?[1-9]|1[0-2])[-/]\d{1,2}(?:[T ]00:00.*)?$|^\d{1,2}[-/.]\d{1,2}[-/.](?:19|20)\d\d$/,
  ],
  ['street', street],
  ['zip', /^\d{5}(?:-\d{4})?$/],
];

/** Columns of sample rows, undefined where they are no table of persons. Patients' tables are believed sooner. */
export function inferColumns(view: string, rows: readonly Row[], title: string): Columns | undefined {
  const kinds = inferKinds(view, rows, namesPatients(title) ? 2 : LEAST_ROWS);
  return kinds === undefined ? undefined : { kinds, confidence: kinds.includes('ssn') ? 0.9 : 0.86 };
}

function inferKinds(
  view: string,
  rows: readonly Row[],
  least: number,
): readonly (FieldKind | undefined)[] | undefined {
  const width = rows[0]?.length ?? 0;
  const sample = rows.slice(0, SAMPLE).filter((row) => row.length === width);
  if (width < LEAST_COLUMNS || sample.length < least || sample.length < rows.slice(0, SAMPLE).length * ALIKE)
    return undefined;
  const columns = Array.from({ length: width }, (_, at) =>
    sample
      .map((row) => view.slice(row[at]?.start ?? 0, row[at]?.end ?? 0).trim())
      .filter((cell) => cell !== ''),
  );
  const shaped = columns.map((cells) => (cells.length < least ? undefined : inferKind(cells)));
  // Behind a street stands its city.
  const kinds = shaped.map((kind, at) =>
    shaped[at - 1] === 'street' && (columns[at] ?? []).every((cell) => city.test(cell)) ? 'city' : kind,
  );
  completeName(columns, kinds);
  const has = (kind: FieldKind): boolean => kinds.includes(kind);
  const named = has('full-name') || (has('given-name') && has('family-name'));
  const placed = ['phone', 'email', 'street'].filter((kind) => kinds.some((each) => each === kind)).length;
  if (!named || !(has('ssn') || (has('birth-date') && placed > 0))) return undefined;
  // Dates of anything may be many; the first that reaches back is the birth date.
  const born = kinds.findIndex((kind, at) => kind === 'birth-date' && reachesBack(columns[at] ?? []));
  return kinds.map((kind, at) => (kind === 'birth-date' && at !== born ? undefined : kind));
}

function inferKind(cells: readonly string[]): FieldKind | undefined {
  const most = cells.length * ALIKE;
  for (const [kind, shape] of shapes) {
    const fitting = cells.filter((cell) => shape.test(cell) && judgeValue(kind, cell).kind !== 'refuted');
    if (fitting.length >= most) return kind;
  }
  return nameKind(cells);
}

const GIVEN = 1;
const FAMILY = 2;

const nameShape = /^[A-Z\xc3][A-Za-z\x80-\xff'. ,-]{1,40}$/;

/** Beside the one part of a name stands the other, listed or not. */
function completeName(columns: readonly (readonly string[])[], kinds: (FieldKind | undefined)[]): void {
  const at = kinds.findIndex((kind) => kind === 'given-name' || kind === 'family-name');
  const other = kinds[at] === 'given-name' ? 'family-name' : 'given-name';
  if (at < 0 || kinds.includes(other)) return;
  for (const beside of [at + 1, at - 1]) {
    const cells = columns[beside] ?? [];
    const distinct = new Set(cells).size >= cells.length * 0.75;
    if (kinds[beside] !== undefined || cells.length < 2 || !distinct) continue;
    if (!cells.every((cell) => nameShape.test(cell))) continue;
    kinds[beside] = other;
    return;
  }
}

/** Given names, family names or both, by how many are listed; one word said again and again is none. */
function nameKind(cells: readonly string[]): FieldKind | undefined {
  if (new Set(cells).size < Math.min(cells.length, 4) * 0.75) return undefined;
  if (!cells.every((cell) => nameShape.test(cell))) return undefined;
  const words = cells.map((cell) => cell.split(/[ ,]+/).filter((word) => word.length > 1));
  const listed = (mask: number): number =>
    words.filter((parts) => parts.some((part) => (gazetteer()(fold(part)) & mask) !== 0)).length /
    cells.length;
  const several = words.filter((parts) => parts.length >= 2).length >= cells.length * ALIKE;
  if (several) return listed(GIVEN) >= LISTED ? 'full-name' : undefined;
  if (words.some((parts) => parts.length > 2)) return undefined;
  const [given, family] = [listed(GIVEN), listed(FAMILY)];
  if (Math.max(given, family) < LISTED) return undefined;
  return given >= family ? 'given-name' : 'family-name';
}

/** True where at least two of the dates lie before 2000: so far back only births do. */
function reachesBack(cells: readonly string[]): boolean {
  return cells.filter((cell) => /(?<!\d)19\d\d(?!\d)/.test(cell)).length >= Math.min(2, cells.length * 0.5);
}
