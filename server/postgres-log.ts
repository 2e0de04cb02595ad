// The file that the guard's own PostgreSQL writes its messages to, kept below a size: the server holds it open for
// appending, so it is copied aside and emptied rather than renamed.
import { copyFile, open, stat, type FileHandle } from 'node:fs/promises';

export interface LogFile extends AsyncDisposable {
  readonly handle: FileHandle;
}

const maxBytes = 4 * 1024 * 1024;
const checkEveryMs = 60_000;

async function trim(path: string, handle: FileHandle): Promise<void> {
  const { size } = await stat(path);
  if (size <= maxBytes) return;
  await copyFile(path, `${path}.1`);
  await handle.truncate(0);
}

/** Opens the log for appending; at most twice `maxBytes` and a minute's messages are kept. */
export async function startLogFile(path: string): Promise<LogFile> {
  const handle = await open(path, 'a', 0o600);
  await trim(path, handle);
  const timer = setInterval(() => void trim(path, handle).catch(() => undefined), checkEveryMs);
  timer.unref();
  return {
    handle,
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer);
      await handle.close();
    },
  };
}
