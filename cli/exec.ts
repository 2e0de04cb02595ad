// `forgeguard exec -- CMD…`: runs a program with the values in its output hidden, and ends as it ends. Its input,
// environment and directory are ours; signals are passed on; nothing of its output passes unread.
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import process from 'node:process';
import type { Command } from 'commander';
import { createRedactor, type Redactor } from '../scanners/redact.ts';
import { type Child, exitCodeOfEnding, startChild } from './child-process.ts';
import { type LiveTimes, redactLive } from './live-redaction.ts';
import { type Recording, startRecording } from './recording.ts';
import { readConfidence, tellCounts } from './redact.ts';

interface ExecFlags {
  readonly confidence: number;
  readonly summary?: true;
  readonly record?: string;
}

const times: LiveTimes = { pauseMs: 40, longestMs: 250, prompts: true };
/** A program that has ended may leave others behind that hold its output open. */
const lingerMs = 2_000;
/** Signals that a terminal sends to the program by itself. */
const keyboardSignals: readonly NodeJS.Signals[] = ['SIGINT', 'SIGQUIT'];
const forwarded: readonly NodeJS.Signals[] = [
  ...keyboardSignals,
  'SIGTERM',
  'SIGHUP',
  'SIGUSR1',
  'SIGUSR2',
  'SIGWINCH',
];

async function exec(words: readonly string[], flags: ExecFlags): Promise<void> {
  const [command = '', ...args] = words;
  // Where our reader goes away, the program's own ending still counts.
  process.stdout.removeAllListeners('error').on('error', () => undefined);
  const recording = flags.record === undefined ? undefined : await startRecording(flags.record);
  const child = startChild(command, args);
  const stopForwarding = forwardSignals(child);
  const streams = [
    { from: sourceOf(child.stdout), to: process.stdout, redactor: redactorOf('stdout', flags) },
    { from: sourceOf(child.stderr), to: process.stderr, redactor: redactorOf('stderr', flags) },
  ] as const;
  const silence = new AbortController();
  const copied = Promise.all(
    streams.map(({ from, to, redactor }) => copy(child, from, silence.signal, to, redactor, recording)),
  );
  const ending = await child.ended;
  const stopWatching = whenSilent(
    streams.map(({ from }) => from),
    () => silence.abort(),
  );
  const whole = (await copied).every(Boolean);
  stopWatching();
  stopForwarding();
  if (ending.kind === 'not-started')
    process.stderr.write(`forgeguard: couldn't start ${command} (${ending.reason})\n`);
  if (flags.summary === true) tellCounts(streams.map(({ redactor }) => redactor));
  process.exitCode = whole ? exitCodeOfEnding(ending) : 2;
  await recording?.end();
}

/** A program's output, and how much of it was read. */
interface Source {
  readonly stream: Readable;
  readonly meter: { chunks: number };
}

function sourceOf(stream: Readable): Source {
  return { stream, meter: { chunks: 0 } };
}

function redactorOf(name: string, flags: ExecFlags): Redactor {
  return createRedactor({ path: `${name}.log`, confidence: flags.confidence });
}

/** Copies a stream, redacted; false where it could not be. A reader that went away is not our failure. */
async function copy(
  child: Child,
  from: Source,
  silence: AbortSignal,
  to: NodeJS.WritableStream,
  redactor: Redactor,
  recording: Recording | undefined,
): Promise<boolean> {
  try {
    const shown = redactLive(stoppable(from, silence), redactor, times);
    await pipeline(recording?.tee(shown) ?? shown, to, { end: false });
    return true;
  } catch (error) {
    from.stream.destroy();
    // The program learns of it as it would have without us: by a pipe that nobody reads.
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'EPIPE' || code === 'ERR_STREAM_PREMATURE_CLOSE') return true;
    process.stderr.write("forgeguard: couldn't redact the output; the program is stopped\n");
    child.kill('SIGTERM');
    return false;
  }
}

/** The chunks of a stream until it ends or the signal comes. */
async function* stoppable({ stream, meter }: Source, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const { promise: stopped, resolve } = Promise.withResolvers<IteratorReturnResult<undefined>>();
  signal.addEventListener('abort', () => resolve({ done: true, value: undefined }), { once: true });
  const chunks = stream.iterator({ destroyOnReturn: false });
  try {
    for (;;) {
      const next = await Promise.race([chunks.next(), stopped]);
      if (next.done === true) return;
      meter.chunks++;
      yield next.value;
    }
  } finally {
    stream.destroy();
  }
}

/** Calls back once all streams have been empty for a while; returns what ends the watch. */
function whenSilent(sources: readonly Source[], silent: () => void): () => void {
  let before = -1;
  const timer = setInterval(() => {
    // What waits for a slow reader of ours is no silence.
    const waiting = sources.some(({ stream }) => stream.readableLength > 0);
    const read = sources.reduce((sum, { meter }) => sum + meter.chunks, 0);
    if (!waiting && read === before) silent();
    before = read;
  }, lingerMs);
  return () => clearInterval(timer);
}

/** Passes signals on; returns what ends that. */
function forwardSignals(child: Child): () => void {
  const handlers = forwarded.map((signal) => {
    const handle = (): void => {
      // The terminal has told every program of the foreground already.
      if (process.stdin.isTTY && keyboardSignals.includes(signal)) return;
      child.kill(signal);
    };
    process.on(signal, handle);
    return [signal, handle] as const;
  });
  return () => {
    for (const [signal, handle] of handlers) process.off(signal, handle);
  };
}

/** Adds `exec` to the program. */
export function registerExec(program: Command): void {
  program
    .enablePositionalOptions()
    .command('exec')
    .description('run a program with the values in its output hidden; ends with its exit code')
    .argument('<command...>', 'the program and its arguments, behind `--`')
    .option('--confidence <number>', 'hide what is at least this sure, from 0 to 1', readConfidence, 0.6)
    .option('--summary', 'tell on standard error how many values of which kind were hidden')
    .option('--record <file>', 'keep what is shown, with its times, as an asciicast')
    .passThroughOptions()
    .action(exec);
}
