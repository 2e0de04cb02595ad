// A process that appends to the log and is killed while it does: what it was told is in the log is what it printed.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../audit/append-until-killed.ts', import.meta.url));

/**
 * Starts a writer on a data directory, on its own database or the one at `url`; lets it append for `ms` after its first
 * acknowledgement, then calls `alsoKill` and kills it. Returns what was acknowledged, by index.
 */
export async function appendAndKill(
  dataDir: string,
  ms: number,
  options: { readonly url?: string; readonly alsoKill?: () => Promise<void> } = {},
): Promise<ReadonlyMap<number, string>> {
  const { url, alsoKill = async () => undefined } = options;
  const args = [program, dataDir, ...(url === undefined ? [] : [url])];
  const child: ChildProcess = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const acknowledged = new Map<number, string>();
  const started = Promise.withResolvers<void>();
  if (child.stdout === null) throw new Error('no output');
  const lines = createInterface({ input: child.stdout });
  const closed = once(lines, 'close');
  lines.on('line', (line) => {
    const [word, index, request] = line.split(' ');
    if (word !== 'ack' || request === undefined) return;
    acknowledged.set(Number(index), request);
    started.resolve();
  });
  await Promise.race([started.promise, exited]);
  await sleep(ms);
  await alsoKill();
  child.kill('SIGKILL');
  await Promise.all([exited, closed]);
  return acknowledged;
}
