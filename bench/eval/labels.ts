// Labelled sets: `SET/labels.jsonl`, one line a file, beside `SET/files/`. A set labels spans of bytes (PHI) or lines
// (credentials). What is read here was written by people and tools with mistakes; it is checked, not trusted.
import { access, readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';

const spanSchema = z.object({
  byteStart: z.int().min(0),
  byteEnd: z.int().min(0),
  identifier: z.string(),
  /** Neither demanded nor counted false. */
  optional: z.boolean().optional(),
  /** A header value found again in a document's narrative. */
  narrative: z.boolean().optional(),
});

const lineSchema = z.object({
  line: z.int().min(1),
  lineEnd: z.int().min(1).optional(),
  /** A credential, none, or undecided. */
  label: z.enum(['T', 'F', 'X']),
});

const rowSchema = z.union([
  z.object({ file: z.string(), spans: z.array(spanSchema) }),
  z.object({ file: z.string(), lines: z.array(lineSchema) }),
]);

export type SpanLabel = z.infer<typeof spanSchema>;
export type LineLabel = z.infer<typeof lineSchema>;

export interface SpanRow {
  readonly file: string;
  readonly spans: readonly SpanLabel[];
}

export interface LineRow {
  readonly file: string;
  readonly lines: readonly LineLabel[];
}

export type LabelledSet = { readonly name: string; readonly directory: string } & (
  | { readonly kind: 'spans'; readonly rows: readonly SpanRow[] }
  | { readonly kind: 'lines'; readonly rows: readonly LineRow[] }
);

/** The sets in `directory`: itself, or the folders in it that have labels. Empty where there is none. */
export async function findSets(directory: string): Promise<readonly LabelledSet[]> {
  if (await isSet(directory)) return [await readSet(directory)];
  const sets: LabelledSet[] = [];
  for (const name of (await readdir(directory)).sort())
    if (await isSet(join(directory, name))) sets.push(await readSet(join(directory, name)));
  return sets;
}

async function isSet(directory: string): Promise<boolean> {
  return access(join(directory, 'labels.jsonl')).then(
    () => true,
    () => false,
  );
}

async function readSet(directory: string): Promise<LabelledSet> {
  const text = await readFile(join(directory, 'labels.jsonl'), 'utf8');
  const rows = text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => rowSchema.parse(JSON.parse(line)));
  const named = { name: basename(directory), directory };
  const lines = rows.flatMap((row) => ('lines' in row ? [row] : []));
  const spans = rows.flatMap((row) => ('spans' in row ? [row] : []));
  if (lines.length > 0 && spans.length > 0)
    throw new TypeError(`${directory}/labels.jsonl labels spans and lines; a set has one kind`);
  return lines.length > 0
    ? { ...named, kind: 'lines', rows: lines }
    : { ...named, kind: 'spans', rows: spans };
}
