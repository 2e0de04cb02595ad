// Starts Git children through a small process, so that starting one costs this process nothing. Their streams come
// over a socket in a directory that only this user can enter, each under a name that nobody can guess.
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { GuardError } from '../../core/errors.ts';
import { couldNotRun, type GitCommand, type GitEnd, type GitProcess } from './spawn-direct.ts';
import { type FromSpawner, streamNameLength, type ToSpawner } from './spawn-messages.ts';

const patienceMs = 30_000;

interface Running {
  readonly streams: PromiseWithResolvers<Socket>[];
  readonly started: PromiseWithResolvers<void>;
  readonly ended: PromiseWithResolvers<GitEnd>;
}

/** Owns the process and the socket. */
export class Spawner implements AsyncDisposable {
  readonly #directory: string;
  readonly #server: Server;
  readonly #running = new Map<number, Running>();
  /** Streams that are not connected yet, by name. */
  readonly #expected = new Map<string, (stream: Socket) => void>();
  #worker: ChildProcess | undefined;
  #lastId = 0;
  #closed = false;

  private constructor(directory: string, server: Server) {
    this.#directory = directory;
    this.#server = server;
  }

  /** Opens the socket and starts the process. */
  static async start(): Promise<Spawner> {
    const directory = await mkdtemp(join(tmpdir(), 'forgeguard-git-'));
    const server = createServer({ allowHalfOpen: true });
    const spawner = new Spawner(directory, server);
    server.on('connection', (stream) => void spawner.#takeStream(stream));
    server.listen(spawner.#socketPath);
    await once(server, 'listening');
    spawner.#startWorker();
    return spawner;
  }

  get #socketPath(): string {
    return join(this.#directory, 'streams');
  }

  #startWorker(): ChildProcess {
    const file = import.meta.url.endsWith('.ts') ? './spawn-worker.ts' : './spawn-worker.js';
    const worker = spawn(process.execPath, [fileURLToPath(new URL(file, import.meta.url))], {
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      env: {},
      // Signals of the terminal are the guard's to answer.
      detached: true,
    });
    worker.on('message', (message: FromSpawner) => this.#take(message));
    worker.on('error', () => undefined);
    worker.once('exit', () => this.#lose(worker));
    this.#worker = worker;
    return worker;
  }

  /** Starts one child. Rejects with `internal` where Git cannot be started. */
  async spawn(command: GitCommand): Promise<GitProcess> {
    if (this.#closed) throw new GuardError('internal', 'the guard is stopping');
    const worker = this.#worker ?? this.#startWorker();
    const id = (this.#lastId += 1);
    const names = Array.from({ length: 3 }, () => randomBytes(streamNameLength / 2).toString('hex'));
    const running: Running = {
      streams: names.map(() => Promise.withResolvers<Socket>()),
      started: Promise.withResolvers<void>(),
      ended: Promise.withResolvers<GitEnd>(),
    };
    this.#running.set(id, running);
    running.streams.forEach(({ promise, resolve }, index) => {
      promise.catch(() => undefined);
      this.#expected.set(names[index] ?? '', resolve);
    });
    const timer = setTimeout(() => this.#fail(running, 'ETIMEDOUT'), patienceMs);
    try {
      send(worker, { kind: 'spawn', id, socket: this.#socketPath, names, command });
      const [stdin, stdout, stderr] = await Promise.all([
        ...running.streams.map(({ promise }) => promise),
        running.started.promise,
      ]);
      if (!stdin || !stdout || !stderr) throw new GuardError('internal', 'a stream of git is missing');
      return childOf(stdin, stdout, stderr, running.ended.promise, () => send(worker, { kind: 'kill', id }));
    } catch (thrown) {
      send(worker, { kind: 'kill', id });
      for (const { promise } of running.streams)
        promise.then((stream) => stream.destroy()).catch(() => undefined);
      throw thrown;
    } finally {
      clearTimeout(timer);
      for (const name of names) this.#expected.delete(name);
    }
  }

  async #takeStream(stream: Socket): Promise<void> {
    stream.on('error', () => undefined);
    const timer = setTimeout(() => stream.destroy(), patienceMs);
    stream.once('close', () => clearTimeout(timer));
    for (;;) {
      const name: unknown = stream.read(streamNameLength);
      if (name instanceof Uint8Array) {
        clearTimeout(timer);
        const give = this.#expected.get(Buffer.from(name).toString('latin1'));
        if (give === undefined) stream.destroy();
        else give(stream);
        return;
      }
      if (stream.destroyed) return;
      await new Promise<void>((resolve) => {
        stream.once('readable', () => resolve());
        stream.once('close', () => resolve());
      });
    }
  }

  #take(message: FromSpawner): void {
    const running = this.#running.get(message.id);
    if (running === undefined) return;
    switch (message.kind) {
      case 'started':
        running.started.resolve();
        return;
      case 'failed':
        this.#running.delete(message.id);
        this.#fail(running, message.code);
        return;
      case 'ended':
        this.#running.delete(message.id);
        running.ended.resolve(message.end);
    }
  }

  #fail(running: Running, code: string): void {
    const error = couldNotRun(Object.assign(new Error('git was not started'), { code }));
    for (const stream of running.streams) stream.reject(error);
    running.started.reject(error);
    running.ended.resolve({ code: null, signal: 'SIGKILL' });
  }

  // Without the process nobody tells how its children end: their work counts as failed, and the next starts another.
  #lose(worker: ChildProcess): void {
    if (this.#worker === worker) this.#worker = undefined;
    for (const running of this.#running.values()) {
      this.#fail(running, 'EPIPE');
      for (const { promise } of running.streams)
        promise.then((stream) => stream.destroy()).catch(() => undefined);
    }
    this.#running.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    const worker = this.#worker;
    if (worker !== undefined && worker.exitCode === null && worker.signalCode === null) {
      const gone = once(worker, 'exit');
      if (worker.connected) worker.disconnect();
      await gone;
    }
    this.#server.close();
    await rm(this.#directory, { recursive: true, force: true });
  }
}

// A process that is gone is noticed by its exit.
function send(worker: ChildProcess, message: ToSpawner): void {
  if (worker.connected) worker.send(message, () => undefined);
}

function childOf(
  stdin: Socket,
  stdout: Socket,
  stderr: Socket,
  exited: Promise<GitEnd>,
  kill: () => void,
): GitProcess {
  // Nothing comes from an input: its end tells that the child is gone. Nothing goes to an output.
  closeAtEnd(stdin);
  stdin.resume();
  const read = [stdout, stderr].map(async (stream) => {
    closeAtEnd(stream);
    // Not `once` of events: an error of the stream is another way to its close.
    await new Promise<void>((resolve) => {
      if (stream.closed) resolve();
      else stream.once('close', () => resolve());
    });
  });
  const ended = Promise.all([exited, ...read]).then(([end]) => end);
  return { stdin, stdout, stderr, kill, ended };
}

// The stream of a child that ended at once may have told its end before anybody listened.
function closeAtEnd(stream: Socket): void {
  if (stream.readableEnded) stream.destroy();
  else stream.once('end', () => stream.destroy());
}
