// `forgeguard redact`: passes a file or standard input on with its values hidden. Text that is written slowly comes out
// line by line; a pause in the middle of a record parts it.
import { createReadStream } from 'node:fs';
import process from 'node:process';
import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import { plural } from '../core/duration.ts';
import { GuardError } from '../core/errors.ts';
import { createRedactor, type Redactor } from '../scanners/redact.ts';

interface RedactFlags {
  readonly path?: string;
  readonly confidence: number;
  readonly summary?: true;
}

/** Silence after which whole lines are passed on. */
const pauseMs = 200;

async function redact(file: string | undefined, flags: RedactFlags): Promise<void> {
  const path = flags.path ?? file;
  const redactor = createRedactor({
    ...(path === undefined ? {} : { path }),
    confidence: flags.confidence,
  });
  const source: AsyncIterable<Uint8Array> =
    file === undefined ? process.stdin : createReadStream(file, { highWaterMark: 1 << 18 });
  try {
    await pipeline(redactLive(source, redactor), process.stdout, { end: false });
  } catch (cause) {
    const reason = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown';
    // A reader that had enough is not our failure.
    if (reason === 'EPIPE' || reason === 'ERR_STREAM_PREMATURE_CLOSE') return;
    throw new GuardError('input/unreadable', `couldn't redact ${file ?? 'standard input'}`, { cause });
  }
  if (flags.summary === true)
    for (const rule of [...redactor.counts.keys()].toSorted())
      process.stderr.write(`forgeguard: hid ${plural(redactor.counts.get(rule) ?? 0, 'value')} of ${rule}\n`);
}

/** What can be passed on, as early as it can be. */
async function* redactLive(
  source: AsyncIterable<Uint8Array>,
  redactor: Redactor,
): AsyncGenerator<Uint8Array> {
  const chunks = source[Symbol.asyncIterator]();
  for (let next = chunks.next(); ;) {
    const chunk = await soon(next);
    if (chunk === 'paused') {
      yield* await redactor.flush();
      const late = await next;
      if (late.done === true) break;
      yield* await redactor.write(late.value);
    } else if (chunk.done === true) break;
    else yield* await redactor.write(chunk.value);
    next = chunks.next();
  }
  yield* await redactor.end();
}

/** The promise's value, or `paused` where it takes longer than a pause. */
async function soon<T>(promise: Promise<T>): Promise<T | 'paused'> {
  const { promise: paused, resolve } = Promise.withResolvers<'paused'>();
  const timer = setTimeout(() => resolve('paused'), pauseMs);
  return Promise.race([promise, paused]).finally(() => clearTimeout(timer));
}

function readConfidence(text: string): number {
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
