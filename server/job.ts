// What a queue holds, ids of what to look at and never what to do about it, and what can be asked of a queue.

export interface Job<Kind extends string> {
  readonly kind: Kind;
  /** What to look at, at most 100 characters. */
  readonly subject: string;
  /** Tells turns of the same subject apart; together with kind and subject it is the job's id. */
  readonly turn: string;
  /** Milliseconds until it is due. */
  readonly delayMs: number;
}

export type JobHandlers<Kind extends string> = Readonly<
  Record<Kind, (subject: string, stopped: AbortSignal) => Promise<void>>
>;

/** Lower numbers go first. */
export type JobPriorities<Kind extends string> = Readonly<Record<Kind, number>>;

export interface QueueState {
  readonly backend: 'redis' | 'postgresql';
  readonly isUp: boolean;
  /** What is wrong or unwise about it; null where nothing is. */
  readonly note: string | null;
}

export interface JobQueue<Kind extends string> extends AsyncDisposable {
  readonly state: QueueState;
  /** Puts jobs into the queue if it takes them now; never waits and never fails. */
  offer(jobs: readonly Job<Kind>[]): void;
  /** Puts jobs into the queue; those that are there already stay as they are. Rejects with `queue/unavailable`. */
  refill(jobs: readonly Job<Kind>[]): Promise<void>;
  /** How many jobs it holds, done ones aside. Rejects with `queue/unavailable`. */
  size(): Promise<number>;
}
