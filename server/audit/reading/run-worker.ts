// A thread that reads runs of entries. It holds no key and no handle to anything: a source goes in, what was read comes
// out. Both ends are this program; the bytes inside come from anyone.
import { parentPort } from 'node:worker_threads';
import type { SoundRun } from '../../../core/entry-run.ts';
import { readSource, type RunSource } from '../packed-entries.ts';

export interface ReadRequest {
  readonly id: number;
  readonly source: RunSource;
}

export interface ReadAnswer {
  readonly id: number;
  readonly run: SoundRun | undefined;
}

const port = parentPort;
port?.on('message', ({ id, source }: ReadRequest) => {
  const run = readSource(source);
  const answer: ReadAnswer = { id, run };
  port.postMessage(answer, run === undefined ? [] : [run.leaves.buffer]);
});
