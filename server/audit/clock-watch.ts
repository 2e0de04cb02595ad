// Puts it on record when this machine's clock jumps: the time of day is compared with a clock that only counts on. A
// machine that slept counts as one whose clock has jumped.
import { randomBytes } from 'node:crypto';
import type { AuditLog, Clock } from '../../core/services.ts';

export interface ClockWatchOptions {
  readonly clock: Clock;
  readonly append: AuditLog['append'];
  /** Milliseconds that only count on. */
  readonly monotonic?: () => number;
  readonly everyMs?: number;
}

export interface ClockWatch extends Disposable {
  /** Compares now; runs by itself as well. */
  look(): Promise<void>;
}

const defaultEveryMs = 5_000;
/** Clocks that are corrected gently move by less than this between two looks. */
const toleranceMs = 2_000;

/** Starts; dispose of it before the log. */
export function startClockWatch({
  clock,
  append,
  monotonic = () => performance.now(),
  everyMs = defaultEveryMs,
}: ClockWatchOptions): ClockWatch {
  let [shown, counted] = [clock.now().getTime(), monotonic()];

  async function look(): Promise<void> {
    const [before, since] = [shown, counted];
    [shown, counted] = [clock.now().getTime(), monotonic()];
    const expected = before + (counted - since);
    const jumpMs = Math.round(shown - expected);
    if (Math.abs(jumpMs) <= toleranceMs) return;
    await append({
      action: 'guard.clock-jumped',
      request: randomBytes(8).toString('hex'),
      actor: null,
      repository: null,
      details: {
        milliseconds: jumpMs,
        expected: new Date(expected).toISOString(),
        shown: new Date(shown).toISOString(),
      },
    });
  }

  // A log that cannot be written refuses everything and tells of that itself.
  const timer = setInterval(() => void look().catch(() => undefined), everyMs);
  timer.unref();
  return { look, [Symbol.dispose]: () => clearInterval(timer) };
}
