// Two versions of a file, values masked, as hunks of a unified diff. The diff is made by Git from the masked texts, so
// that nothing that was masked can come out of it.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { changesCaps, type DiffHunk, type DiffLine, type DiffLineKind } from '../../core/approval/changes.ts';
import { GuardError } from '../../core/errors.ts';
import type { Oid } from '../../core/oid.ts';
import type { ScanService } from '../../core/services.ts';
import type { ScanTarget } from '../../scanners/target.ts';
import { runGit } from './process.ts';

export interface MaskedFile {
  readonly text: Uint8Array;
  /** How many values were masked. */
  readonly masked: number;
}

/** Bytes in which Git looks for a NUL to tell that a file is binary. */
const sniffBytes = 8_000;
const asterisk = 0x2a;
const lineEnds: ReadonlySet<number> = new Set([0x0a, 0x0d]);

/** Values shorter than this may well be something else where they stand a second time. */
const shortestRepeated = 5;
/** Bytes that are looked through for values that stand there once more. */
const mostSearched = 512 * 2 ** 20;

/**
 * Scans the content of a file or the target of a link, which `oid` names, and hides every value that is found, whatever
 * its confidence, and wherever it stands once more in it.
 */
export async function maskedFile(
  scanner: Pick<ScanService, 'scan'>,
  target: ScanTarget,
  content: Uint8Array<ArrayBuffer>,
  oid: Oid,
  signal: AbortSignal,
): Promise<MaskedFile | 'binary'> {
  if (content.subarray(0, sniffBytes).includes(0)) return 'binary';
  // The scanner takes its buffer away.
  const text = content.slice();
  const { findings } = await scanner.scan(target, content, signal, oid);
  const values = new Set<string>();
  for (const { byteStart, byteEnd } of findings) {
    const value = text.slice(byteStart, byteEnd);
    if (value.length >= shortestRepeated && !value.includes(asterisk))
      values.add(Buffer.from(value).toString('latin1'));
    hide(text, byteStart, byteEnd);
  }
  hideRepeated(text, [...values]);
  return { text, masked: findings.length };
}

function hide(text: Uint8Array, start: number, end: number): void {
  for (let at = start; at < Math.min(end, text.length); at += 1)
    if (!lineEnds.has(text[at] ?? 0)) text[at] = asterisk;
}

/** A rule knows a value by what stands around it; once it is known it is one everywhere. */
function hideRepeated(text: Uint8Array, values: readonly string[]): void {
  const bytes = Buffer.from(text.buffer, text.byteOffset, text.byteLength);
  for (const value of values.slice(0, Math.ceil(mostSearched / Math.max(1, bytes.length)))) {
    const sought = Buffer.from(value, 'latin1');
    for (let at = bytes.indexOf(sought); at >= 0; at = bytes.indexOf(sought, at + 1))
      hide(text, at, at + sought.length);
  }
}

export interface MaskedDiff {
  readonly hunks: readonly DiffHunk[];
  readonly truncated: boolean;
}

const nothing = new Uint8Array(0);
const diffMs = 20_000;
const maxDiffBytes = 64 * 1024 * 1024;

/** The difference of two texts; null stands for no file. `directory` is one that the guard may write to. */
export async function diffMasked(
  directory: string,
  before: Uint8Array | null,
  after: Uint8Array | null,
  signal: AbortSignal,
): Promise<MaskedDiff> {
  if (before === null || after === null) return oneSided(before ?? after ?? nothing, after === null);
  const place = await mkdtemp(join(directory, 'diff-'));
  try {
    await Promise.all([
      writeFile(join(place, 'before'), before, { mode: 0o600 }),
      writeFile(join(place, 'after'), after, { mode: 0o600 }),
    ]);
    const args = [
      'diff',
      '--no-index',
      '--no-color',
      '--no-ext-diff',
      '--no-textconv',
      '--text',
      '--unified=3',
    ];
    const result = await runGit([...args, '--', 'before', 'after'], {
      cwd: place,
      env: {},
      signal: AbortSignal.any([signal, AbortSignal.timeout(diffMs)]),
      maxBytes: maxDiffBytes,
    });
    if (result.code > 1) throw new GuardError('internal', "couldn't compare two versions of a file");
    return readHunks(Buffer.from(result.stdout).toString('utf8'));
  } finally {
    await rm(place, { recursive: true, force: true });
  }
}

/** A file that is there on one side only is one hunk of all its lines. */
function oneSided(content: Uint8Array, isRemoved: boolean): MaskedDiff {
  const text = Buffer.from(content).toString('utf8');
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  if (lines.length === 0) return { hunks: [], truncated: false };
  const shown = lines.slice(0, changesCaps.linesPerFile);
  const kind = isRemoved ? 'remove' : 'add';
  const [start, none] = [
    { start: 1, lines: lines.length },
    { start: 0, lines: 0 },
  ];
  const [old, now] = isRemoved ? [start, none] : [none, start];
  return {
    hunks: [
      {
        oldStart: old.start,
        oldLines: old.lines,
        newStart: now.start,
        newLines: now.lines,
        lines: shown.map((line) => ({ kind, text: line.slice(0, changesCaps.lineLength) })),
      },
    ],
    truncated: shown.length < lines.length || shown.some((line) => line.length > changesCaps.lineLength),
  };
}

const hunkHeader = /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/;
const kinds: Readonly<Record<string, DiffLineKind>> = { ' ': 'context', '-': 'remove', '+': 'add' };

/** Reads the hunks of one file's unified diff, as many lines as may be shown. */
function readHunks(diff: string): MaskedDiff {
  const hunks: OpenHunk[] = [];
  let left: number = changesCaps.linesPerFile;
  let truncated = false;
  // Lines that the open hunk still has on each side: one of them may look like the next hunk's header.
  let [oldLeft, newLeft] = [0, 0];
  for (const line of diff.split('\n')) {
    const header = oldLeft + newLeft === 0 ? hunkHeader.exec(line) : null;
    const kind = oldLeft + newLeft === 0 ? undefined : kinds[line.charAt(0)];
    if (header === null && kind === undefined) continue;
    if (left === 0) return { hunks, truncated: true };
    if (header !== null) {
      const hunk = hunkOf(header);
      hunks.push(hunk);
      [oldLeft, newLeft] = [hunk.oldLines, hunk.newLines];
    } else if (kind !== undefined) {
      left -= 1;
      if (kind !== 'add') oldLeft -= 1;
      if (kind !== 'remove') newLeft -= 1;
      const text = line.slice(1);
      truncated ||= text.length > changesCaps.lineLength;
      hunks.at(-1)?.lines.push({ kind, text: text.slice(0, changesCaps.lineLength) });
    }
  }
  return { hunks, truncated };
}

type OpenHunk = DiffHunk & { readonly lines: DiffLine[] };

function hunkOf(header: RegExpExecArray): OpenHunk {
  const [, oldStart = '0', oldLines = '1', newStart = '0', newLines = '1'] = header;
  return {
    oldStart: Number(oldStart),
    oldLines: Number(oldLines),
    newStart: Number(newStart),
    newLines: Number(newLines),
    lines: [],
  };
}
