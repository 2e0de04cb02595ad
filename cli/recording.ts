// Keeps the redacted output of a program as an asciicast, and plays one.
import { createReadStream, createWriteStream } from 'node:fs';
import { once } from 'node:events';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { finished } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  castHeaderLine,
  castOutputLine,
  longestCastLine,
  readCastEvent,
  readCastHeader,
  tameTerminal,
} from '../core/asciicast.ts';
import { GuardError } from '../core/errors.ts';

export interface Recording {
  /** Keeps what passes of one stream of output; what it yields is what it was given. */
  tee(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array>;
  /** Fulfils when all of it is in the file; rejects with `input/unreadable` where it could not be written. */
  end(): Promise<void>;
}

/** A recording ends when it has this many bytes; the program goes on. */
const mostBytes = 256 * 2 ** 20;

/** Begins a recording in a file that must not be there yet; only its owner can read it. */
export async function startRecording(path: string): Promise<Recording> {
  const file = createWriteStream(path, { flags: 'wx', mode: 0o600 });
  let failure: unknown;
  file.on('error', (error) => (failure ??= error));
  await Promise.race([once(file, 'open'), once(file, 'error')]).catch(() => undefined);
  if (failure !== undefined) throw unwritable(path, failure);
  const began = performance.now();
  let left = mostBytes;

  function write(line: string): void {
    left -= line.length + 1;
    if (left > 0 && failure === undefined) file.write(`${line}\n`);
  }

  const [columns, rows] = process.stdout.isTTY ? process.stdout.getWindowSize() : [80, 24];
  write(castHeaderLine({ width: columns, height: rows, startedAt: new Date() }));
  return {
    async *tee(source) {
      // A character may be cut between two pieces.
      const decoder = new TextDecoder();
      const keep = (text: string): void => {
        if (text !== '') write(castOutputLine({ at: (performance.now() - began) / 1000, text }));
      };
      for await (const chunk of source) {
        keep(decoder.decode(chunk, { stream: true }));
        yield chunk;
      }
      keep(decoder.decode());
    },
    end: async () => {
      file.end();
      await finished(file).catch((error: unknown) => (failure ??= error));
      if (failure !== undefined) throw unwritable(path, failure);
    },
  };
}

function unwritable(path: string, cause: unknown): GuardError {
  return new GuardError('input/unreadable', `couldn't write the recording ${path}`, { cause });
}

/** No pause of a recording is longer when it is played, in seconds. */
const longestPause = 3;

/** Plays a recording on standard output, `speed` times as fast; 0 shows all of it at once. */
export async function playRecording(path: string, speed: number): Promise<void> {
  const input = createReadStream(path);
  const failed = once(input, 'error').then(([error]: unknown[]) => {
    throw new GuardError('input/unreadable', `couldn't read the recording ${path}`, { cause: error });
  });
  await Promise.race([play(path, createInterface({ input, crlfDelay: Infinity }), speed), failed]);
}

async function play(path: string, lines: AsyncIterable<string>, speed: number): Promise<void> {
  let before: number | undefined;
  for await (const line of lines) {
    if (before === undefined) {
      if (line.length > longestCastLine || readCastHeader(line) === undefined)
        throw new GuardError('input/invalid', `${path} is no asciicast of version 2`);
      before = 0;
      continue;
    }
    const event = line.length > longestCastLine ? undefined : readCastEvent(line);
    if (event === undefined) throw new GuardError('input/invalid', `${path} has a line that is no event`);
    if (event === 'other') continue;
    if (speed > 0) await sleep((1000 * Math.min(longestPause, Math.max(0, event.at - before))) / speed);
    before = event.at;
    if (!process.stdout.write(tameTerminal(event.text))) await once(process.stdout, 'drain');
  }
  if (before === undefined) throw new GuardError('input/invalid', `${path} is empty`);
}
