// `forgeguard redact`: passes a file or standard input on with its values hidden. Text that is written slowly comes out
// line by line; a pause in the middle of a record parts it.
import { createReadStream } from 'node:fs';
import process from 'node:process';
import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import { plural } from '../core/duration.ts';
import { GuardError } from '../core/errors.ts';
import { type LiveTimes, redactLive } from './live-redaction.ts';
import { createRedactor, type Redactor } from '../scanners/redact.ts';

interface RedactFlags {
  readonly path?: string;
  readonly confidence: number;
  readonly summary?: true;
}

/** Output that does not pause is judged in whole segments, so that what comes out depends on the bytes alone. */
const times: LiveTimes = { pauseMs: 200, longestMs: Infinity, prompts: false };

async function redact(file: string | undefined, flags: RedactFlags): Promise<void> {
  const path = flags.path ?? file;
  const redactor = createRedactor({
    ...(path === undefined ? {} : { path }),
    confidence: flags.confidence,
  });
  const source: AsyncIterable<Uint8Array> =
    file === undefined ? process.stdin : createReadStream(file, { highWaterMark: 1 << 18 });
  try {
    await pipeline(redactLive(source, redactor, times), process.stdout, { end: false });
  } catch (cause) {
    const reason = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown';
    // A reader that had enough is not our failure.
    if (reason === 'EPIPE' || reason === 'ERR_STREAM_PREMATURE_CLOSE') return;
    throw new GuardError('input/unreadable', `couldn't redact ${file ?? 'standard input'}`, { cause });
  }
  if (flags.summary === true) tellCounts([redactor]);
}

/** Tells on standard error how many values of which rule were hidden. */
export function tellCounts(redactors: readonly Redactor[]): void {
  const counts = new Map<string, number>();
  for (const redactor of redactors)
    for (const [rule, count] of redactor.counts) counts.set(rule, (counts.get(rule) ?? 0) + count);
  for (const rule of [...counts.keys()].toSorted())
    process.stderr.write(`forgeguard: hid ${plural(counts.get(rule) ?? 0, 'value')} of ${rule}\n`);
}

/** Reads the value of `--confidence`. */
export function readConfidence(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= 0 && value <= 1) return value;
  throw new GuardError('input/invalid', '--confidence is a number from 0 to 1');
}

/** Adds `redact` to the program. */
export function registerRedact(program: Command): void {
  program
    .command('redact')
    .description('pass a file or standard input on, with values hidden under asterisks')
    .argument('[file]', 'file to read; standard input where none is named')
    .option('--path <name>', 'name whose extension tells the format of the input')
    .option('--confidence <number>', 'hide what is at least this sure, from 0 to 1', readConfidence, 0.6)
    .option('--summary', 'tell on standard error how many values of which kind were hidden')
    .action(redact);
}
