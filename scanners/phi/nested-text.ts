// Documents inside of strings: JSON in a message or request body, tables in the triple quotes of a test. Their offsets
// stay those of the string.
import type { DocumentContext, Hit } from '../rule.ts';
import { delimitedReader } from './delimited.ts';

/** Shorter strings hold no record. */
export const MIN_NESTED = 30;
/** Strings inside strings that are read. */
export const MAX_NESTED = 3;

/** False where a string that begins at `start` holds no record: most do not, and are not looked at any further. */
export function opensNested(view: string, start: number): boolean {
  const code = view.charCodeAt(start);
  return code === 0x7b || code === 0x5b || code === 0x5c || code <= 0x20;
}

/** What a string holds, undefined where it is no document. A table has lines, which escaped strings have not. */
export function nestedKind(text: string, escaped: boolean): 'record' | 'table' | undefined {
  if (/^\s*(?:\\[nrt]\s*)*[{[]/.test(text)) return 'record';
  return !escaped && isTable(text) ? 'table' : undefined;
}

function isTable(text: string): boolean {
  const [first = '', second = ''] = text.trimStart().split('\n', 2);
  return [',', '\t', ';', '|'].some(
    (delimiter) => first.split(delimiter).length >= 3 && second.split(delimiter).length >= 3,
  );
}

const table: DocumentContext = {
  kind: 'file',
  path: '',
  extension: 'csv',
  binary: false,
  source: false,
  clinical: false,
};

/** Reads a table; its reader looks whether it is one of persons. */
export function readTable(text: string, emit: (hit: Hit) => void): void {
  delimitedReader.read({ view: text, from: 0, document: table, carry: undefined, anchored: false }, emit);
}

/** The text that an escaped string stands for, as long as it is: blanks stand in front of what was escaped. */
export function unescaped(text: string): string {
  if (!text.includes('\\')) return text;
  return text.replaceAll(/(?:\\["'\\/nrt])+/g, (run) =>
    run.replaceAll(/\\(.)/g, (_, sign: string) => ('nrt'.includes(sign) ? ' ' : sign)).padStart(run.length),
  );
}
