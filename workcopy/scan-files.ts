// The files that `forgeguard scan PATH…` reads. What Git ignores is left out below a directory; what is named is read.
import { createReadStream, type Stats } from 'node:fs';
import { lstat, readdir, realpath, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { problemOf, type ScanItem, type ScanProblem, type ScanSource } from './scan-item.ts';
import { git, openWorkingCopy, splitNul, tryGit, type WorkingCopy } from './working-copy.ts';

type Listed = string | ScanProblem;

/** Files that are looked at together while a directory is listed. */
const together = 64;

/** The files below `paths` in the order of their names. Symbolic links below them are not followed. */
export async function listFiles(paths: readonly string[], respectIgnore: boolean): Promise<ScanSource> {
  const listed: Listed[] = [];
  const seen = new Set<string>();
  for (const path of paths) for await (const found of named(path, respectIgnore, seen)) listed.push(found);
  return { items: read(listed), count: listed.length };
}

async function* read(listed: readonly Listed[]): AsyncGenerator<ScanItem | ScanProblem> {
  for (const entry of listed) yield typeof entry === 'string' ? fileItem(entry) : entry;
}

function fileItem(path: string): ScanItem {
  return {
    kind: 'item',
    target: { kind: 'file', path },
    read: () => createReadStream(path, { highWaterMark: 1 << 20 }),
  };
}

/** Something that was named: links to it are followed, and pipes may be read. */
async function* named(path: string, respectIgnore: boolean, seen: Set<string>): AsyncGenerator<Listed> {
  let status: Stats;
  try {
    status = await stat(path);
  } catch (error) {
    yield problemOf(path, error);
    return;
  }
  if (status.isDirectory()) yield* directory(path, respectIgnore, seen);
  else if (status.isFile() || status.isFIFO()) yield path;
  else yield { kind: 'problem', path, reason: 'neither a file nor a directory' };
}

async function* directory(path: string, respectIgnore: boolean, seen: Set<string>): AsyncGenerator<Listed> {
  // A submodule without content answers for the repository around it, and so for itself.
  const real = await realpath(path).catch(() => resolve(path));
  if (seen.has(real)) return;
  seen.add(real);
  const copy = respectIgnore ? await openWorkingCopy(path, {}) : undefined;
  if (copy !== undefined && !(await isIgnored(copy))) yield* tracked(path, copy, seen);
  else yield* walk(path, respectIgnore, seen);
}

async function isIgnored(copy: WorkingCopy): Promise<boolean> {
  return (await tryGit(copy, ['check-ignore', '-q', '--', '.'])).code === 0;
}

/** What Git tracks or would offer to add. */
async function* tracked(path: string, copy: WorkingCopy, seen: Set<string>): AsyncGenerator<Listed> {
  const args = ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '--deduplicate'];
  const names = [...new Set(splitNul(await git(copy, args)).map((name) => name.replace(/\/$/, '')))].sort();
  for (let at = 0; at < names.length; at += together) {
    const group = names.slice(at, at + together).map((name) => (path === '.' ? name : join(path, name)));
    const kinds = await Promise.all(group.map(kindOf));
    for (const [index, file] of group.entries()) {
      const kind = kinds[index];
      if (kind === 'file') yield file;
      else if (kind === 'directory') yield* directory(file, true, seen);
      else if (typeof kind === 'object') yield kind;
    }
  }
}

/** A tracked file may have been deleted; anything else that cannot be looked at is a problem. */
async function kindOf(path: string): Promise<'file' | 'directory' | undefined | ScanProblem> {
  try {
    const status = await lstat(path);
    if (status.isDirectory()) return 'directory';
    return status.isFile() ? 'file' : undefined;
  } catch (error) {
    const problem = problemOf(path, error);
    return problem.reason === 'ENOENT' ? undefined : problem;
  }
}

async function* walk(path: string, respectIgnore: boolean, seen: Set<string>): AsyncGenerator<Listed> {
  let entries;
  try {
    entries = await readdir(path, { withFileTypes: true });
  } catch (error) {
    yield problemOf(path, error);
    return;
  }
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (entry.name === '.git') continue;
    const child = path === '.' ? entry.name : join(path, entry.name);
    if (entry.isFile()) yield child;
    else if (entry.isDirectory()) yield* nested(child, respectIgnore, seen);
  }
}

/** A repository below a directory that is none has its own ignored files. */
async function* nested(path: string, respectIgnore: boolean, seen: Set<string>): AsyncGenerator<Listed> {
  const isRepository =
    respectIgnore && (await lstat(join(path, '.git')).catch(() => undefined)) !== undefined;
  if (isRepository) yield* directory(path, respectIgnore, seen);
  else yield* walk(path, respectIgnore, seen);
}
