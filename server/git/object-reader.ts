// Reads objects through one `git cat-file --batch-command` process. Requests are pipelined; answers come in order.
//
//   request = ("info" / "contents") SP oid LF       ; "flush" LF makes the process write what it holds back
//   answer  = oid SP type SP size LF [contents LF]  / oid SP "missing" LF
import { GuardError } from '../../core/errors.ts';
import type { Oid } from '../../core/oid.ts';
import { ByteReader } from './byte-reader.ts';
import { exitOf, type GitProcess, killOnAbort, spawnGit } from './process.ts';

export const objectTypes = ['commit', 'tree', 'blob', 'tag'] as const;
export type ObjectType = (typeof objectTypes)[number];

export interface ObjectHeader {
  readonly oid: string;
  readonly type: ObjectType;
  readonly size: number;
}

export interface ReadObject {
  readonly header: ObjectHeader;
  readonly data: Uint8Array<ArrayBuffer>;
}

/** One process and its two streams. Calls must not overlap; every answer is read to its end before the next call. */
export class ObjectReader implements AsyncDisposable {
  readonly #child: GitProcess;
  readonly #reader: ByteReader;
  readonly #exit: Promise<unknown>;

  private constructor(child: GitProcess) {
    this.#child = child;
    this.#exit = exitOf(child);
    this.#reader = new ByteReader(child.stdout);
  }

  /** Starts the process. Rejects with `internal` where Git cannot be started. */
  static async open(environment: Readonly<Record<string, string>>, cwd: string): Promise<ObjectReader> {
    const child = await spawnGit(
      [
        '-c',
        'core.bigFileThreshold=16m',
        '-c',
        'core.deltaBaseCacheLimit=32m',
        // A pack is mapped in small windows: what is mapped counts as memory of the child.
        '-c',
        'core.packedGitWindowSize=1m',
        '-c',
        'core.packedGitLimit=32m',
        'cat-file',
        '--batch-command',
        '--buffer',
      ],
      {
        cwd,
        env: environment,
      },
    );
    return new ObjectReader(child);
  }

  /** Ends the process when `signal` aborts; reads under way then reject. */
  stopOn(signal: AbortSignal): void {
    killOnAbort(this.#child, signal);
  }

  /** Type and size of each object, in the order asked. A missing object is undefined. */
  async *headers(oids: Iterable<Oid>): AsyncGenerator<ObjectHeader | undefined> {
    for (const part of batches(oids, 4096)) {
      this.#ask(part, 'info');
      for (let index = 0; index < part.length; index += 1) yield await this.#header();
    }
  }

  /** Whole objects in the order asked; a missing one is undefined. For objects known to be of bounded size. */
  async *contents(oids: Iterable<Oid>): AsyncGenerator<ReadObject | undefined> {
    for (const part of batches(oids, 512)) {
      this.#ask(part, 'contents');
      for (let index = 0; index < part.length; index += 1) {
        const header = await this.#header();
        if (header === undefined) {
          yield undefined;
        } else {
          const data = await this.#owned(header.size);
          await this.#exactly(1);
          yield { header, data };
        }
      }
    }
  }

  /** One object, or undefined where it is missing. */
  async object(oid: Oid): Promise<ReadObject | undefined> {
    for await (const found of this.contents([oid])) return found;
    return undefined;
  }

  /** The bytes of one object as they come. The generator must be read to its end. */
  async *stream(oid: Oid): AsyncGenerator<Uint8Array> {
    this.#ask([oid], 'contents');
    const header = await this.#header();
    let left = header?.size ?? 0;
    while (left > 0) {
      const chunk = await this.#reader.some(left);
      if (chunk === undefined) throw this.#broken();
      left -= chunk.length;
      yield chunk;
    }
    if (header !== undefined) await this.#exactly(1);
  }

  #ask(oids: readonly Oid[], command: 'info' | 'contents'): void {
    this.#child.stdin.write(`${oids.map((oid) => `${command} ${oid}\n`).join('')}flush\n`);
  }

  async #header(): Promise<ObjectHeader | undefined> {
    const line = await this.#reader.takeUntil(0x0a, 256);
    if (line === undefined) throw this.#broken();
    const [oid = '', word = '', size = ''] = Buffer.from(line).toString('latin1').split(' ');
    if (word === 'missing') return undefined;
    const type = objectTypes.find((known) => known === word);
    if (type === undefined || !/^\d+$/.test(size)) throw this.#broken();
    return { oid, type, size: Number(size) };
  }

  async #exactly(count: number): Promise<Uint8Array> {
    const data = await this.#reader.take(count);
    if (data === undefined) throw this.#broken();
    return data;
  }

  async #owned(count: number): Promise<Uint8Array<ArrayBuffer>> {
    const data = await this.#reader.takeOwned(count);
    if (data === undefined) throw this.#broken();
    return data;
  }

  #broken(): GuardError {
    return new GuardError('internal', "couldn't read the objects of the push: git cat-file ended early");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.stdin.end();
    this.#child.stdout.destroy();
    this.#child.kill();
    await this.#exit;
  }
}

function* batches(oids: Iterable<Oid>, size: number): Generator<readonly Oid[]> {
  let part: Oid[] = [];
  for (const oid of oids) {
    part.push(oid);
    if (part.length === size) {
      yield part;
      part = [];
    }
  }
  if (part.length > 0) yield part;
}
