// Appends lines of JSON to a file that others may rotate: where the name leads to another file or to none, it is opened
// anew. A batch counts once it is on the disk.
import { constants } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { GuardError } from '../../core/errors.ts';
import { recordText } from '../../core/shipped-record.ts';
import type { FileSink } from '../config.ts';
import { syncDirectory } from '../private-file.ts';
import { problemOf, type Sink } from './sink.ts';

const flags = constants.O_APPEND | constants.O_CREAT | constants.O_RDWR;

async function endsMidLine(file: FileHandle, size: number): Promise<boolean> {
  if (size === 0) return false;
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, size - 1);
  return buffer[0] !== 0x0a;
}

/** Opens the sink; the file is opened when it is needed. */
export function createFileSink({ path }: FileSink, log: string): Sink {
  let file: FileHandle | undefined;

  async function close(): Promise<void> {
    const closing = file;
    file = undefined;
    await closing?.close().catch(() => undefined);
  }

  async function current(): Promise<FileHandle> {
    if (file !== undefined) {
      const [held, named] = await Promise.all([file.stat(), stat(path).catch(() => undefined)]);
      if (named !== undefined && named.ino === held.ino && named.dev === held.dev) return file;
      await close();
    }
    file = await open(path, flags, 0o600);
    const { size } = await file.stat();
    if (size === 0) await syncDirectory(dirname(path));
    // A program that was killed in the middle of a line leaves it so; the next one must begin on its own.
    if (await endsMidLine(file, size)) await file.appendFile('\n');
    return file;
  }

  return {
    connect: async () => ({ kind: 'taken' }),
    deliver: async ({ items }) => {
      try {
        const target = await current();
        await target.appendFile(items.map((item) => `${recordText(log, item)}\n`).join(''));
        await target.datasync();
        return { kind: 'taken' };
      } catch (thrown) {
        await close();
        return { kind: 'later', problem: problemOf(thrown) };
      }
    },
    probe: async () => {
      try {
        await using handle = await open(path, flags, 0o600);
        const { mode } = await handle.stat();
        const warning = mode & 0o077 ? `, mode ${(mode & 0o777).toString(8)}: others may read it` : '';
        return `${path} can be written${warning}`;
      } catch (cause) {
        throw new GuardError('sink/failed', `${path} cannot be written (${problemOf(cause)})`, { cause });
      }
    },
    [Symbol.asyncDispose]: close,
  };
}
