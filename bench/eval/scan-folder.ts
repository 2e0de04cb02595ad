// Scans every file below a folder with the guard's own pool.
import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import type { Finding } from '../../scanners/finding.ts';
import type { ScanPool } from '../../server/scanning/pool.ts';

export interface FolderScan {
  readonly files: number;
  readonly bytes: number;
  readonly seconds: number;
  /** Findings by the file's path in the folder, with `/`; those of an archive's entries belong to the archive. */
  readonly findings: ReadonlyMap<string, readonly Finding[]>;
}

const ahead = 32;

/** Scans the folder; `.git` and symbolic links are left out. */
export async function scanFolder(pool: ScanPool, folder: string): Promise<FolderScan> {
  const started = performance.now();
  const signal = new AbortController().signal;
  const findings = new Map<string, readonly Finding[]>();
  let bytes = 0;
  let files = 0;
  let running: Promise<void>[] = [];
  const one = async (path: string): Promise<void> => {
    const name = relative(folder, path).split(sep).join('/');
    const source = createReadStream(path, { highWaterMark: 1 << 20 });
    const result = await pool.scanStream({ kind: 'file', path: name }, source, signal);
    files++;
    bytes += result.bytes;
    findings.set(name, result.findings);
  };
  for await (const path of filesBelow(folder)) {
    running.push(one(path));
    if (running.length < ahead) continue;
    await Promise.all(running);
    running = [];
  }
  await Promise.all(running);
  return { files, bytes, seconds: (performance.now() - started) / 1000, findings };
}

async function* filesBelow(folder: string): AsyncGenerator<string> {
  for (const entry of (await readdir(folder, { withFileTypes: true })).sort((a, b) =>
    a.name < b.name ? -1 : 1,
  )) {
    if (entry.isFile()) yield join(folder, entry.name);
    else if (entry.isDirectory() && entry.name !== '.git') yield* filesBelow(join(folder, entry.name));
  }
}
