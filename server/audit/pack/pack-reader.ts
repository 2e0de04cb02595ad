// Reads the files of an unpacked evidence pack. They come from anyone: sizes are capped, forms are checked.
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { z } from 'zod';
import { GuardError } from '../../../core/errors.ts';
import { manifestSchema, maxPackFileBytes, type PackManifest } from './pack-layout.ts';

const maxManifestBytes = 2 ** 31;

export interface PackReader {
  readonly manifest: PackManifest;
  /** All files but the manifest, sorted. */
  readonly paths: readonly string[];
  /** The file's bytes; undefined where it is missing or too large. */
  read(path: string): Promise<Buffer | undefined>;
  /** The file as JSON of a schema. Rejects with `input/invalid`. */
  readJson<T>(path: string, schema: z.ZodType<T>): Promise<T>;
  /** The lines of the files of a folder, in the order of their names. */
  lines(folder: string): AsyncGenerator<string>;
}

/**
 * The file's bytes; undefined where it is missing or larger than the cap. A pack has many small files and nothing else is
 * done meanwhile: waiting for each call of the system would take longer than the calls.
 */
function readCapped(path: string, cap: number): Buffer | undefined {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return fstatSync(file).size > cap ? undefined : readFileSync(file);
  } finally {
    closeSync(file);
  }
}

function parse<T>(name: string, bytes: Buffer | undefined, schema: z.ZodType<T>): T {
  try {
    return schema.parse(JSON.parse(bytes?.toString('utf8') ?? ''));
  } catch (cause) {
    throw new GuardError('input/invalid', `${name} of the evidence pack cannot be read`, { cause });
  }
}

async function listFiles(directory: string): Promise<readonly string[]> {
  const found = await readdir(directory, { recursive: true, withFileTypes: true });
  return found
    .filter((entry) => !entry.isDirectory())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(directory.length + 1)
        .replaceAll('\\', '/'),
    )
    .toSorted();
}

/** Opens the pack in a directory. Rejects with `input/invalid` where it is none. */
export async function readPack(directory: string): Promise<PackReader> {
  const root = join(directory);
  const bytes = readCapped(join(root, 'manifest.json'), maxManifestBytes);
  const manifest = parse('manifest.json', bytes, manifestSchema);
  const paths = (await listFiles(root)).filter((path) => path !== 'manifest.json');
  const read = async (path: string): Promise<Buffer | undefined> =>
    readCapped(join(root, path), maxPackFileBytes);
  return {
    manifest,
    paths,
    read,
    readJson: async (path, schema) => parse(path, await read(path), schema),
    lines: async function* (folder) {
      for (const path of paths.filter((name) => name.startsWith(`${folder}/`))) {
        const text = (await read(path))?.toString('utf8') ?? '';
        yield* text.split('\n').slice(0, -1);
      }
    },
  };
}
