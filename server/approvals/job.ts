// What the queue holds, ids of what to look at and never what to do about it, and what can be asked of a queue.

export const jobKinds = ['outbox', 'apply', 'expire', 'escalate', 'remind', 'notify'] as const;
export type JobKind = (typeof jobKinds)[number];

export interface Job {
  readonly kind: JobKind;
  /** What to look at: the id of a request, or for `notify` the number of a row of the outbox. */
  readonly subject: string;
  /** Tells turns of the same subject apart; together with kind and subject it is the job's id. */
  readonly turn: string;
  /** Milliseconds until it is due. */
  readonly delayMs: number;
}

export type JobHandlers = Readonly<Record<JobKind, (subject: string, stopped: AbortSignal) => Promise<void>>>;

/** Applying and expiry come before telling people about them. */
export const jobPriority: Readonly<Record<JobKind, number>> = {
  outbox: 0,
  apply: 0,
  expire: 0,
  escalate: 0,
  remind: 10,
  notify: 10,
};

export interface QueueState {
  readonly backend: 'redis' | 'postgresql';
  readonly isUp: boolean;
  /** What is wrong or unwise about it; null where nothing is. */
  readonly note: string | null;
}

export interface JobQueue extends AsyncDisposable {
  readonly state: QueueState;
  /** Puts jobs into the queue if it takes them now; never waits and never fails. */
  offer(jobs: readonly Job[]): void;
  /** Puts jobs into the queue; those that are there already stay as they are. Rejects with `queue/unavailable`. */
  refill(jobs: readonly Job[]): Promise<void>;
  /** How many jobs it holds, done ones aside. Rejects with `queue/unavailable`. */
  size(): Promise<number>;
}
