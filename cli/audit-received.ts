// `forgeguard audit verify --received FILE`: judges what a receiver has kept of the log, such as a SIEM. The lines come
// from anywhere; trusts the verifier key alone. Needs neither the guard nor its database.
import { createReadStream } from 'node:fs';
import process from 'node:process';
import { type NoteVerifier, verifierKeyText } from '../core/checkpoint.ts';
import { GuardError } from '../core/errors.ts';
import { ReceivedLog, type ReceivedResult } from '../core/received.ts';

/** An OCSF event escapes its entry of 64 KiB once more. */
const longestLine = 1_048_576;

/** The lines of a stream, however they are cut; a line that is too long is handed on cut off. */
async function* linesOf(chunks: AsyncIterable<string>): AsyncIterable<string> {
  let rest = '';
  for await (const chunk of chunks) {
    const lines = (rest + chunk).split('\n');
    rest = (lines.pop() ?? '').slice(0, longestLine);
    yield* lines;
  }
  yield rest;
}

async function readAll(source: AsyncIterable<string>, into: ReceivedLog): Promise<void> {
  for await (const line of linesOf(source)) into.add(line);
}

function asText(result: ReceivedResult): string {
  const { first, past, entries, duplicates, cut, unreadable, skipped, provedFrom, provedTo } = result;
  const proved =
    result.checkpoints === 0
      ? 'nothing: no signed checkpoint fits'
      : `entries ${provedFrom} to ${provedTo - 1}, by ${result.checkpoints} signed checkpoints`;
  const lines = [
    `log          ${result.log ?? 'none'}`,
    past === first ? 'covers       nothing' : `covers       ${first} to ${past - 1}`,
    `entries      ${entries}, and ${duplicates} lines again`,
    ...Object.entries(skipped).map(([why, count]) => `left out     ${count} (${why})`),
    ...(cut === 0 ? [] : [`cut          ${cut} came without their details`]),
    ...(unreadable === 0 ? [] : [`unreadable   ${unreadable} lines`]),
    `proved       ${proved}`,
    ...result.problems.map(({ kind, at, message }) => `problem at ${at}: ${message} (${kind})`),
    ...(result.problemCount > result.problems.length ? [`… ${result.problemCount} problems in all`] : []),
    result.ok ? 'ok' : 'NOT OK',
  ];
  return lines.join('\n');
}

/** Judges the file, or standard input where it is `-`; true where nothing is wrong with it. */
export async function verifyReceived(
  file: string,
  key: NoteVerifier,
  kept: readonly string[],
  format: 'text' | 'json',
): Promise<boolean> {
  const log = new ReceivedLog();
  const stream = file === '-' ? process.stdin : createReadStream(file);
  try {
    await readAll(stream.setEncoding('utf8'), log);
  } catch (cause) {
    throw new GuardError('input/unreadable', `couldn't read ${file}`, { cause });
  }
  const result = log.result(key, kept);
  const text =
    format === 'json'
      ? JSON.stringify({ ...result, key: verifierKeyText(key) }, undefined, 2)
      : asText(result);
  process.stdout.write(`${text}\n`);
  return result.ok;
}
