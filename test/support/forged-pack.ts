// An evidence pack in the hands of a forger, who knows the format and sets right whatever he can.
import { createHash } from 'node:crypto';
import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { leafOf } from './tile-reader.ts';

export interface ForgedPack {
  readonly directory: string;
  text(path: string): Promise<string>;
  /** Replaces a file; undefined removes it. */
  put(path: string, content: string | Uint8Array | undefined): Promise<void>;
  /** The entries of a bundle. */
  entries(bundle: string): Promise<readonly Buffer[]>;
  /** Replaces the entries of a bundle and the lines that show those from `first` to before `past`. */
  putEntries(bundle: string, entries: readonly Buffer[], lines: readonly Buffer[]): Promise<void>;
  /** Changes members of the manifest. */
  claim(changes: Readonly<Record<string, unknown>>): Promise<void>;
  /** Sets the digests in the manifest right. */
  seal(): Promise<void>;
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

async function listFiles(directory: string): Promise<readonly string[]> {
  const found = await readdir(directory, { recursive: true, withFileTypes: true });
  return found
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1));
}

export function lengthPrefixed(entries: readonly Buffer[]): Buffer {
  return Buffer.concat(
    entries.flatMap((entry) => {
      const length = Buffer.alloc(2);
      length.writeUInt16BE(entry.length);
      return [length, entry];
    }),
  );
}

/** Copies the pack in `source` to `directory`, to be changed there. */
export async function forgePack(source: string, directory: string): Promise<ForgedPack> {
  await cp(source, directory, { recursive: true });
  const place = (path: string): string => join(directory, path);
  const put: ForgedPack['put'] = async (path, content) => {
    if (content === undefined) await rm(place(path));
    else await writeFile(place(path), content);
  };
  const claim: ForgedPack['claim'] = async (changes) => {
    const manifest = z.looseObject({}).parse(JSON.parse(await readFile(place('manifest.json'), 'utf8')));
    await put('manifest.json', JSON.stringify({ ...manifest, ...changes }));
  };
  return {
    directory,
    text: (path) => readFile(place(path), 'utf8'),
    put,
    entries: async (bundle) => {
      const bytes = await readFile(place(bundle));
      const entries: Buffer[] = [];
      for (let at = 0; at < bytes.length;) {
        const length = bytes.readUInt16BE(at);
        entries.push(bytes.subarray(at + 2, at + 2 + length));
        at += 2 + length;
      }
      return entries;
    },
    putEntries: async (bundle, entries, lines) => {
      await put(bundle, lengthPrefixed(entries));
      const [file] = await readdir(place('entries'));
      await put(`entries/${file}`, lines.map((line) => `${line.toString('utf8')}\n`).join(''));
    },
    claim,
    seal: async () => {
      const paths = (await listFiles(directory)).filter((path) => path !== 'manifest.json').toSorted();
      const files: Record<string, string> = {};
      for (const path of paths) files[path] = sha256(await readFile(place(path)));
      await claim({ files });
    },
  };
}

/** The bytes of the tile over entries. */
export function tileOver(entries: readonly Buffer[]): Buffer {
  return Buffer.concat(entries.map(leafOf));
}
