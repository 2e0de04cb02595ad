// For vitest's `globalSetup`: fails the run where a credential of an upstream came to light anywhere in it. What looks for
// them: guard.ts (output and files of guards), guard-tap.ts (all they send, and how they start programs), run.ts (output
// of every program), database.ts (every table of every database), receiver.ts and mail-server.ts (what others are told).
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryDirectory } from './temporary-directory.ts';
import { leakFileVariable } from './upstream-secret.ts';

/** The result ends the watch and throws where there was a leak. */
export async function setup(): Promise<() => Promise<void>> {
  const directory = await temporaryDirectory('leaks');
  const file = join(directory.path, 'leaks.txt');
  process.env[leakFileVariable] = file;
  return async () => {
    const places = await leaksIn(file);
    await directory.remove();
    if (places.length > 0)
      throw new Error(`credentials of upstreams came to light in:\n  ${places.slice(0, 50).join('\n  ')}`);
  };
}

/** Places that were noted, each once. */
export async function leaksIn(file: string): Promise<readonly string[]> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return [...new Set(text.split('\n').filter((line) => line !== ''))];
}
