// The answer to a push as it is written to the client: progress on band 2, the report on band 1, kept alive meanwhile.
import { PassThrough, type Readable } from 'node:stream';
import { flushPacket } from './pkt-line.ts';
import { type Report, writeReport } from './report-status.ts';
import { sideBand } from './side-band.ts';

export interface PushOutput {
  readonly stream: Readable;
  /** Text for the person or agent; lost where the client did not ask for a side band. */
  progress(text: string | Uint8Array): void;
  /** Writes the report, ends the stream. */
  finish(report: Report): void;
  /** Ends with a fatal error, for a client whose refs are not known. */
  fail(message: string): void;
}

const keepAliveMs = 5_000;

/** Opens the answer for a client with these capabilities. */
export function createPushOutput(capabilities: ReadonlySet<string>): PushOutput {
  const stream = new PassThrough({ highWaterMark: 1 << 20 });
  const banded = capabilities.has('side-band-64k');
  const version = capabilities.has('report-status-v2')
    ? 2
    : capabilities.has('report-status')
      ? 1
      : undefined;
  // An empty packet of band 2 tells proxies in between that somebody is still there.
  const keepAlive = setInterval(() => banded && stream.write(sideBand(2, new Uint8Array(0))), keepAliveMs);
  stream.once('close', () => clearInterval(keepAlive));

  function end(...parts: readonly Uint8Array[]): void {
    clearInterval(keepAlive);
    if (stream.destroyed) return;
    stream.end(Buffer.concat(parts));
  }

  return {
    stream,
    progress(text) {
      const data = typeof text === 'string' ? Buffer.from(text, 'utf8') : text;
      if (banded && data.length > 0 && !stream.destroyed) stream.write(sideBand(2, data));
    },
    finish(report) {
      const data = version === undefined ? new Uint8Array(0) : writeReport(report, version);
      if (banded) end(...(data.length > 0 ? [sideBand(1, data)] : []), flushPacket);
      else end(data);
    },
    fail(message) {
      if (banded) end(sideBand(3, Buffer.from(`${message}\n`, 'utf8')));
      else
        end(version === undefined ? new Uint8Array(0) : writeReport({ unpack: message, refs: [] }, version));
    },
  };
}
