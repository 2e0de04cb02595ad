// The redacted copy of a log: what every rule and every known value leaves of it, in parts that are kept as evidence.
// Each part is scanned once more before it is kept; a line in which something is left is hidden as a whole.
import { GuardError } from '../../core/errors.ts';
import type { ScanService } from '../../core/services.ts';
import type { KnownValues } from './known-values.ts';
import { type LogPiece, textOf } from './log-lines.ts';

export interface CopyOptions {
  readonly scanner: Pick<ScanService, 'scan' | 'redactStream'>;
  readonly values: KnownValues;
  /** Least confidence of what is hidden. */
  readonly confidence: number;
  readonly signal: AbortSignal;
}

/** Milliseconds since 1970, and what was written. */
export interface CopiedLine {
  readonly at: number;
  readonly text: string;
}

/** Bytes of one part as JSON; a document of evidence has room for them. */
const partBytes = 640 * 1024;
const lineOverhead = 32;
const hiddenLine = '(a line that holds a value)';
export const logPath = 'job.log';

/** The copy, part by part. Rejects with `scan/failed`, or as the source does. */
export async function* copyLog(
  pieces: AsyncIterable<readonly LogPiece[]>,
  options: CopyOptions,
): AsyncGenerator<readonly CopiedLine[]> {
  let part: CopiedLine[] = [];
  let size = 0;
  for await (const lines of redactedLines(pieces, options)) {
    const shown = await options.values.hideIn(lines.map(({ text }) => text));
    for (const [index, { at }] of lines.entries()) {
      const text = shown[index] ?? hiddenLine;
      const bytes = Buffer.byteLength(JSON.stringify(text)) + lineOverhead;
      if (size + bytes > partBytes && part.length > 0) {
        yield await checked(part, options);
        [part, size] = [[], 0];
      }
      part.push({ at, text });
      size += bytes;
    }
  }
  if (part.length > 0) yield await checked(part, options);
}

/** Redaction keeps the number of bytes, so each piece is found again behind it. */
async function* redactedLines(
  pieces: AsyncIterable<readonly LogPiece[]>,
  { scanner, confidence, signal }: CopyOptions,
): AsyncGenerator<readonly CopiedLine[]> {
  const waiting: { readonly at: number; readonly mark: string; readonly bytes: number }[] = [];
  async function* clear(): AsyncGenerator<Uint8Array> {
    for await (const batch of pieces) {
      for (const piece of batch)
        waiting.push({
          at: piece.at,
          mark: piece.mark,
          bytes: Buffer.byteLength(piece.text) + (piece.endsLine ? 1 : 0),
        });
      yield textOf(batch);
    }
  }
  let rest: Uint8Array = new Uint8Array(0);
  for await (const shown of scanner.redactStream({ path: logPath, confidence }, clear(), signal)) {
    const bytes = Buffer.concat([rest, shown]);
    const lines: CopiedLine[] = [];
    let [from, taken] = [0, 0];
    for (let next = waiting[taken]; next !== undefined; next = waiting[taken]) {
      if (from + next.bytes > bytes.length) break;
      const text = bytes.toString('utf8', from, from + next.bytes).replace(/\n$/, '');
      lines.push({ at: next.at, text: next.mark + text });
      from += next.bytes;
      taken += 1;
    }
    waiting.splice(0, taken);
    rest = bytes.subarray(from);
    yield lines;
  }
  if (waiting.length > 0 || rest.length > 0)
    throw new GuardError('scan/failed', 'the redacted copy of a log has another length than the log');
}

async function checked(
  part: readonly CopiedLine[],
  { scanner, confidence, signal }: CopyOptions,
): Promise<readonly CopiedLine[]> {
  // A text with a line end of its own cannot be: lines were cut there.
  const bytes = new Uint8Array(Buffer.from(part.map(({ text }) => text).join('\n')));
  const { findings } = await scanner.scan({ kind: 'file', path: logPath }, bytes, signal);
  const left = findings.filter((one) => one.category !== 'policy' && one.confidence >= confidence);
  if (left.length === 0) return part;
  const hidden = new Set(left.flatMap(({ line, endLine }) => linesBetween(line, endLine)));
  return part.map((line, index) => (hidden.has(index + 1) ? { at: line.at, text: hiddenLine } : line));
}

function linesBetween(first: number, last: number): readonly number[] {
  return Array.from({ length: Math.min(last - first, 10_000) + 1 }, (_, index) => first + index);
}
