// The progress of a scan, drawn on standard error where that is a terminal, at most ten times a second.
import process from 'node:process';
import { formatByteSize } from '../core/byte-size.ts';
import type { ScanObserver } from '../workcopy/scan-run.ts';

export interface Progress extends ScanObserver {
  /** Takes the line away again. */
  stop(): void;
}

interface Terminal {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

interface State {
  readonly done: number;
  readonly total: number | undefined;
  readonly bytes: number;
  readonly findings: number;
}

const everyMs = 100;
const barWidth = 24;
const clearLine = '\r\u001b[2K';

/** Draws on `terminal` while a scan runs; silent where it is none. `total` is the number of items, if known. */
export function startProgress(
  total: number | undefined,
  terminal: Terminal = process.stderr,
  now: () => number = () => performance.now(),
): Progress {
  if (terminal.isTTY !== true) return { advance: () => undefined, stop: () => undefined };
  let state: State = { done: 0, total, bytes: 0, findings: 0 };
  let drawn = -Infinity;
  // Some terminals say that they have no columns.
  const width = Math.max(20, terminal.columns || 80) - 1;
  return {
    advance(bytes, findings) {
      state = {
        ...state,
        done: state.done + 1,
        bytes: state.bytes + bytes,
        findings: state.findings + findings,
      };
      if (now() - drawn < everyMs) return;
      drawn = now();
      terminal.write(`${clearLine}${progressLine(state).slice(0, width)}`);
    },
    stop() {
      if (drawn > -Infinity) terminal.write(clearLine);
    },
  };
}

function progressLine({ done, total, bytes, findings }: State): string {
  const told = `${formatByteSize(roughly(bytes))}, ${findings} found`;
  if (total === undefined || total === 0) return `scanning: ${done} done, ${told}`;
  const share = Math.min(1, done / total);
  const filled = Math.round(share * barWidth);
  const bar = '#'.repeat(filled) + '-'.repeat(barWidth - filled);
  return `[${bar}] ${Math.floor(share * 100)} %  ${done} of ${total}, ${told}`;
}

/** Whole MiB above one, so that the unit does not jump. */
function roughly(bytes: number): number {
  const unit = 1024 * 1024;
  return bytes < unit ? bytes : Math.round(bytes / unit) * unit;
}
