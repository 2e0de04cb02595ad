// What a request would change, file by file, as a reviewer may see it. Paths and lines are attacker-controlled text that
// was scanned: what was found in them is masked before it gets into one of these values.
import type { PathChange } from '../operation.ts';

export type DiffLineKind = 'context' | 'remove' | 'add';

export interface DiffLine {
  readonly kind: DiffLineKind;
  /** Masked, without its line end, at most `changesCaps.lineLength` UTF-16 units. */
  readonly text: string;
}

/** A run of lines of a unified diff. Starts are 1-based; a side without lines starts where they would follow, or at 0. */
export interface DiffHunk {
  readonly oldStart: number;
  readonly oldLines: number;
  readonly newStart: number;
  readonly newLines: number;
  readonly lines: readonly DiffLine[];
}

/** One path that differs between what the ref is now and what it would become. */
export interface HeldFileChange {
  readonly ref: string;
  /** Masked. */
  readonly path: string;
  readonly change: PathChange['change'];
  /** Git file modes, octal text: 100644 100755 120000 (symlink) 160000 (submodule); null where the side has no file. */
  readonly oldMode: string | null;
  readonly newMode: string | null;
  /** Bytes of the file before and after; null where the side has no file or its size is not known. */
  readonly oldBytes: number | null;
  readonly newBytes: number | null;
  /** True where the content is no text: there are no hunks then. */
  readonly binary: boolean;
  /** True where hunks or lines were left out for their size. */
  readonly truncated: boolean;
  /** How many values in what is shown of the file are masked. */
  readonly masked: number;
  /** Empty for a binary file, and for a change of the mode alone. */
  readonly hunks: readonly DiffHunk[];
}

/** Some of the changes, in the order of refs and then paths. */
export interface HeldChangesPage {
  readonly kind: 'page';
  readonly files: readonly HeldFileChange[];
  /** All changed paths of the request; null where they were not counted to the end. */
  readonly total: number | null;
  /** What to ask for to get the next page, at most `changesCaps.cursorLength` characters; null on the last one. */
  readonly next: string | null;
}

/** `gone`: the request has ended, and what it held was let go. */
export type HeldChangesAnswer = HeldChangesPage | { readonly kind: 'gone' };

/** Bounds of what is computed and shown at once. */
export const changesCaps = {
  /** Files of one page. */
  files: 20,
  /** Lines of one file; the rest makes it `truncated`. */
  linesPerFile: 2_000,
  /** UTF-16 units of one line; a longer one is cut, which makes its file `truncated`. */
  lineLength: 2_000,
  /** Bytes of a file on either side, above which no diff is made and the file is `truncated`. */
  fileBytes: 4 * 2 ** 20,
  /** UTF-16 units of all lines of a page; a page ends early rather than exceed it, with one file at least. */
  pageLength: 1_000_000,
  cursorLength: 1_000,
} as const;

const marks: Readonly<Record<DiffLineKind, string>> = { context: ' ', remove: '-', add: '+' };

function range(start: number, lines: number): string {
  return lines === 1 ? String(start) : `${start},${lines}`;
}

function headerOf(file: HeldFileChange): readonly string[] {
  const { path, oldMode, newMode } = file;
  const modes =
    oldMode === null
      ? [`new file mode ${newMode ?? ''}`]
      : newMode === null
        ? [`deleted file mode ${oldMode}`]
        : oldMode === newMode
          ? []
          : [`old mode ${oldMode}`, `new mode ${newMode}`];
  const old = oldMode === null ? '/dev/null' : `a/${path}`;
  const now = newMode === null ? '/dev/null' : `b/${path}`;
  const names = file.hunks.length === 0 ? [] : [`--- ${old}`, `+++ ${now}`];
  return [`diff --git a/${path} b/${path}`, ...modes, ...names];
}

/** The change as lines of a unified diff. They are for reading: with values masked it cannot be applied. */
export function unifiedDiff(file: HeldFileChange): readonly string[] {
  const hunks = file.hunks.flatMap((hunk) => [
    `@@ -${range(hunk.oldStart, hunk.oldLines)} +${range(hunk.newStart, hunk.newLines)} @@`,
    ...hunk.lines.map(({ kind, text }) => marks[kind] + text),
  ]);
  return [
    ...headerOf(file),
    ...hunks,
    ...(file.binary ? ['(binary content is not shown)'] : []),
    ...(file.truncated ? ['(the rest is left out)'] : []),
  ];
}
