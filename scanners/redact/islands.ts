// Documents inside a stream. A log that prints an HL7 message or a FHIR resource is no HL7 and no FHIR document, and the
// readers of formats look at the head of a document only: each such place is read once more as a document of its own.

/** A part of a view that is read as a document of its own, to the view's end. */
export interface Island {
  readonly start: number;
  /** A name whose extension tells the format. */
  readonly path: string;
}

interface Marker {
  readonly text: string;
  readonly path: string;
  /** Where the document begins, given where the text stands. */
  readonly begin: (view: string, at: number) => number;
}

/** The name under which tables are read. */
export const tableIsland = 'island.csv';

/** Characters in front of a marker in which its document begins. */
const reach = 4_096;

function itself(_view: string, at: number): number {
  return at;
}

/** The bracket that opens the value in which the marker stands. */
function openingBrace(view: string, at: number): number {
  const brace = view.lastIndexOf('{', at);
  return brace >= 0 && at - brace < reach ? brace : at;
}

function lineStart(view: string, at: number): number {
  const start = view.lastIndexOf('\n', at) + 1;
  return at - start < reach ? start : at;
}

/** Of formats whose readers need no name of a field. */
const bare: readonly Marker[] = [
  { text: 'MSH|', path: 'island.hl7', begin: itself },
  { text: 'PID|', path: 'island.hl7', begin: itself },
  { text: 'ISA*', path: 'island.x12', begin: itself },
];

/** Of formats that name their fields. */
const named: readonly Marker[] = [
  { text: '"resourceType"', path: 'island.json', begin: openingBrace },
  { text: '<ClinicalDocument', path: 'island.xml', begin: itself },
  { text: '<recordTarget', path: 'island.xml', begin: itself },
  { text: 'http://hl7.org/fhir', path: 'island.xml', begin: lineStart },
  { text: 'INSERT INTO', path: 'island.sql', begin: lineStart },
  { text: 'insert into', path: 'island.sql', begin: lineStart },
  { text: 'COPY ', path: 'island.sql', begin: lineStart },
];

/** Parts of the names of columns of which at least one stands in the header of most tables of persons. */
const columnWords = ['irth', 'dob', 'DOB', 'ssn', 'SSN', 'mrn', 'MRN', 'irst', 'atient', 'ATIENT', 'hone'];
/** Lines with such a word that are looked at for each of the words. */
const mostHeaders = 64;

/** What stands in every line that an island begins in, in lower case as the gate folds it. */
export const islandLiterals: readonly string[] = [
  ...new Set([...bare.map(({ text }) => text), ...named.map(({ text }) => text), ...columnWords]),
].map((text) => text.toLowerCase());

/**
 * The first place of each kind of document in `view`, but for one at its very start, and tables. `lines` are start and end
 * of the lines with one of `islandLiterals`. `hasFields` tells whether names of a person's fields stand anywhere in it:
 * without them most formats need not be looked for.
 */
export function findIslands(view: string, lines: readonly number[], hasFields: boolean): readonly Island[] {
  if (lines.length === 0) return [];
  const found = new Map<string, Island>();
  for (const { text, path, begin } of hasFields ? [...bare, ...named] : bare) {
    const at = nextPlace(view, lines, text, 0)?.at;
    if (at === undefined) continue;
    const start = begin(view, at);
    const known = found.get(path);
    if (start > 0 && (known === undefined || start < known.start)) found.set(path, { start, path });
  }
  return [...found.values(), ...(hasFields ? findTables(view, lines) : [])];
}

/** The first place of `text` in the lines from the one of this number on, and the number of its line. */
function nextPlace(
  view: string,
  lines: readonly number[],
  text: string,
  from: number,
): { readonly at: number; readonly line: number } | undefined {
  for (let line = from; line < lines.length; line += 2) {
    const start = lines[line] ?? 0;
    const at = view.slice(start, lines[line + 1]).indexOf(text);
    if (at >= 0) return { at: start + at, line };
  }
  return undefined;
}

/** Tables whose first line stands below other text: the line below it has as many cells. */
function findTables(view: string, lines: readonly number[]): readonly Island[] {
  const starts = new Set<number>();
  for (const word of columnWords) {
    let place = nextPlace(view, lines, word, 0);
    for (let seen = 0; place !== undefined && seen < mostHeaders; seen++) {
      const start = view.lastIndexOf('\n', place.at) + 1;
      const end = endOfLine(view, place.at);
      if (start > 0 && place.at - start < reach && isHeader(view, start, end)) starts.add(start);
      let { line } = place;
      while (line < lines.length && (lines[line] ?? 0) < end) line += 2;
      place = nextPlace(view, lines, word, line);
    }
  }
  return [...starts].sort((a, b) => a - b).map((start) => ({ start, path: tableIsland }));
}

function endOfLine(view: string, from: number): number {
  const end = view.indexOf('\n', from);
  return end < 0 ? view.length : end;
}

function isHeader(view: string, start: number, end: number): boolean {
  const header = view.slice(start, Math.min(end, start + reach));
  const below = view.slice(end + 1, Math.min(endOfLine(view, end + 1), end + 1 + reach));
  return ['\t', ',', ';', '|'].some((delimiter) => {
    const cells = header.split(delimiter).length;
    return cells >= 3 && below.split(delimiter).length >= cells;
  });
}
