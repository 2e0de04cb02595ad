// Writes an evidence pack: a tar file, compressed, whose bytes depend on its content only. One file is in memory at a time.
import { createHash } from 'node:crypto';
import { createGzip } from 'node:zlib';
import { pipeline } from 'node:stream/promises';
import type { Writable } from 'node:stream';
import { pack as createTar } from 'tar-stream';
import { packRoot } from './pack-layout.ts';

export interface PackWriter {
  /** Adds a file; fulfils once there is room for the next. */
  add(path: string, content: Uint8Array | string): Promise<void>;
  /** SHA-256 of what was added so far, by path. */
  readonly digests: ReadonlyMap<string, string>;
  /** Writes the end; fulfils when `out` has taken everything. */
  finish(): Promise<void>;
}

/** Starts a pack into `out`. */
export function createPackWriter(out: Writable): PackWriter {
  const tar = createTar();
  const written = pipeline(tar, createGzip({ level: 6 }), out);
  // Told by `add` and `finish`; without a listener in between it would end the process.
  written.catch(() => undefined);
  const digests = new Map<string, string>();
  return {
    digests,
    add: async (path, content) => {
      const bytes = typeof content === 'string' ? Buffer.from(content) : Buffer.from(content);
      digests.set(path, createHash('sha256').update(bytes).digest('hex'));
      // No time, no owner: the same log gives the same bytes.
      const header = { name: `${packRoot}/${path}`, mode: 0o644, mtime: new Date(0), uid: 0, gid: 0 };
      const taken = Promise.withResolvers<void>();
      const entry = tar.entry({ ...header, size: bytes.length }, (error) =>
        error ? taken.reject(error) : taken.resolve(),
      );
      entry.end(bytes);
      await Promise.race([taken.promise, written]);
    },
    finish: async () => {
      tar.finalize();
      await written;
    },
  };
}
