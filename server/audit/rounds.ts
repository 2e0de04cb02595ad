// Work that is done over and over beside the log, one round at a time; and the record of an outage, told once when it
// begins and once when it ends.
import { randomBytes } from 'node:crypto';
import type { AuditAction, AuditEvent } from '../../core/audit-event.ts';
import type { AuditLog } from '../../core/services.ts';

export interface Rounds extends AsyncDisposable {
  /** Does a round now, or waits for the one under way; rounds run by themselves as well. */
  round(): Promise<void>;
}

export interface RoundsOptions {
  /** One round; what it rejects with is told to whoever asked for it, and tried again in the next. */
  readonly work: () => Promise<void>;
  readonly everyMs: number;
  /** Whether the first round is done at once. */
  readonly startsAtOnce?: boolean;
  /** Whether a last round is done at the end; without it only the one under way is waited for. */
  readonly endsWithRound?: boolean;
}

const longestTimer = 2 ** 31 - 1;

/** Starts; dispose of it before the log. */
export function startRounds({ work, everyMs, startsAtOnce, endsWithRound }: RoundsOptions): Rounds {
  let running: Promise<void> | undefined;
  const round = (): Promise<void> => {
    running ??= work().finally(() => (running = undefined));
    return running;
  };
  const turn = (): void => void round().catch(() => undefined);
  const timer = setInterval(turn, Math.min(everyMs, longestTimer));
  timer.unref();
  if (startsAtOnce === true) turn();
  return {
    round,
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer);
      await (endsWithRound === true ? round() : running)?.catch(() => undefined);
    },
  };
}

export interface OutageRecord {
  readonly append: AuditLog['append'];
  readonly failed: AuditAction;
  readonly resumed: AuditAction;
  /** What the entries say besides the problem. */
  readonly details?: AuditEvent['details'];
}

/**
 * Returns what is to be called with the outcome of each round: a problem, or undefined where there was none. Only a
 * change is recorded.
 */
export function recordOutages({
  append,
  failed,
  resumed,
  details = {},
}: OutageRecord): (problem: string | undefined) => Promise<void> {
  let last: string | undefined;
  return async (problem) => {
    if (last === problem) return;
    last = problem;
    await append({
      action: problem === undefined ? resumed : failed,
      request: randomBytes(8).toString('hex'),
      actor: null,
      repository: null,
      details: { ...details, ...(problem === undefined ? {} : { problem }) },
    });
  };
}
