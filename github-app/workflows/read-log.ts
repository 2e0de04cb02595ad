// One reading of the log of a job: downloaded, taken apart and given on piece by piece. A log is read as often as it is
// looked at, and never kept as it is.
import { GithubRefusal } from '../api.ts';
import type { Hub } from '../hub.ts';
import { type LogPiece, readLogPieces } from './log-lines.ts';
import { locateLog, type RunPlace } from './workflow-run.ts';

export interface LogReading {
  readonly pieces: AsyncIterable<readonly LogPiece[]>;
  /** Bytes that were read so far, and whether the log is longer than what is looked at. */
  readonly progress: { bytes: number; isCut: boolean };
}

/** Begins to read. Rejects as `GithubApi.ask` and `GithubStorage.read` do. */
export function readLog({ api, storage, app }: Hub, place: RunPlace, job: number): LogReading {
  const progress = { bytes: 0, isCut: false };
  async function* bytes(): AsyncGenerator<Uint8Array> {
    const source = storage.read(await locateLog(api, place, job), app.workflows.maxLogBytes, place.signal);
    for (let next = await source.next(); ; next = await source.next()) {
      if (next.done === true) {
        progress.isCut = next.value.isCut;
        return;
      }
      progress.bytes += next.value.length;
      yield next.value;
    }
  }
  return { pieces: readLogPieces(bytes()), progress };
}

/** True where GitHub says that there is none, now or any more. */
export function isAbsent(thrown: unknown): thrown is GithubRefusal {
  return thrown instanceof GithubRefusal && (thrown.status === 404 || thrown.status === 410);
}
