// Scans a source of unknown length: what ends early is scanned as a whole, the rest is fed to one thread piece by
// piece, each piece answered before the next is read, so that memory stays flat.
import { GuardError } from '../../core/errors.ts';
import type { ScanResult, ScanTarget } from '../../scanners/target.ts';
import type { WorkerThread } from './worker-thread.ts';

/** Chunks are gathered to at least this size before they go to a thread. */
const PIECE_BYTES = 1024 * 1024;

export interface StreamScanning {
  readonly wholeBytes: number;
  readonly scanWhole: (bytes: Uint8Array<ArrayBuffer>) => Promise<ScanResult>;
  readonly thread: () => WorkerThread;
  readonly nextId: () => number;
}

/** Reads `source` to its end. Rejects with `scan/failed` or, when the signal aborts, `request/cancelled`. */
export async function scanSource(
  scanning: StreamScanning,
  target: ScanTarget,
  source: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<ScanResult> {
  const gathered = new Gathering();
  let session: { readonly thread: WorkerThread; readonly id: number } | undefined;
  try {
    for await (const chunk of source) {
      if (signal.aborted) throw new GuardError('request/cancelled', 'The scan was cancelled.');
      gathered.add(chunk);
      if (gathered.bytes < (session === undefined ? scanning.wholeBytes + 1 : PIECE_BYTES)) continue;
      if (session === undefined) {
        session = { thread: scanning.thread(), id: scanning.nextId() };
        session.thread.tell({ kind: 'open', id: session.id, target });
      }
      await session.thread.ask({ kind: 'write', id: session.id, chunk: gathered.take() });
    }
    if (session === undefined) return await scanning.scanWhole(gathered.take());
    await session.thread.ask({ kind: 'write', id: session.id, chunk: gathered.take() });
    const result = await session.thread.ask({ kind: 'end', id: session.id });
    if (result === undefined) throw new GuardError('scan/failed', 'A scanning thread gave no result.');
    return result;
  } finally {
    session?.thread.tell({ kind: 'close', id: session.id });
  }
}

class Gathering {
  #chunks: Uint8Array[] = [];
  bytes = 0;

  add(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.bytes += chunk.byteLength;
  }

  /** Everything gathered so far, in memory of its own. */
  take(): Uint8Array<ArrayBuffer> {
    const all = new Uint8Array(this.bytes);
    let at = 0;
    for (const chunk of this.#chunks) {
      all.set(chunk, at);
      at += chunk.byteLength;
    }
    this.#chunks = [];
    this.bytes = 0;
    return all;
  }
}
