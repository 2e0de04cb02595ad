// Looks for values where none may be: what clients and operators see, the database, and every file that the guard
// keeps, Git objects unpacked.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PushForge } from './push-forge.ts';
import { isolatedGitEnvironment, run } from './run.ts';

/** Places that hold one of `values`, in whatever case; `said` is what the client printed. */
export async function placesThatHold(
  forge: PushForge,
  values: readonly string[],
  said: string,
): Promise<readonly string[]> {
  const wanted = values.flatMap((value) => [value.toLowerCase(), encodeURIComponent(value).toLowerCase()]);
  const holds = (text: string): boolean => {
    const lower = text.toLowerCase();
    return wanted.some((value) => lower.includes(value));
  };
  const found: string[] = [];
  if (holds(said)) found.push('the output of the client');
  if (holds(forge.guard.logs())) found.push('the log of the guard');
  if (holds(await forge.stored()) || holds(await forge.opened())) found.push('the database');
  for (const path of await filesBelow(forge.guard.dataDir)) {
    if (holds(path)) found.push(`the name ${path}`);
    if (holds(await readFile(path, 'latin1').catch(() => ''))) found.push(path);
  }
  for (const directory of await gitDirectories(forge.guard.dataDir)) {
    if (holds(await allObjects(directory))) found.push(`the objects in ${directory}`);
  }
  return found;
}

async function filesBelow(directory: string): Promise<readonly string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

async function gitDirectories(directory: string): Promise<readonly string[]> {
  const files = await filesBelow(directory);
  return files.filter((path) => path.endsWith('/HEAD')).map((path) => path.slice(0, -'/HEAD'.length));
}

interface Unpacked {
  /** Names of all files; those of Git's objects change with what is in them. */
  readonly files: string;
  readonly objects: string;
}

const unpacked = new Map<string, Unpacked>();

/** Every object, unpacked again only where a file came or went. */
async function allObjects(directory: string): Promise<string> {
  const files = (await filesBelow(join(directory, 'objects'))).join('\n');
  const known = unpacked.get(directory);
  if (known?.files === files) return known.objects;
  const done = await run('git', ['cat-file', '--batch-all-objects', '--batch'], {
    cwd: directory,
    env: { ...isolatedGitEnvironment(directory), GIT_DIR: directory },
  });
  const objects = Buffer.from(done.stdoutBytes).toString('latin1');
  unpacked.set(directory, { files, objects });
  return objects;
}
