// What the queue holds: ids of what to look at, never what to do about it.

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
