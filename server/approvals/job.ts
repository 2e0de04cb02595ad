// The work of the approvals: its kinds and which of them comes first.
import type { Job, JobHandlers, JobPriorities, JobQueue } from '../job.ts';

export const jobKinds = ['outbox', 'apply', 'expire', 'escalate', 'remind', 'notify'] as const;
export type JobKind = (typeof jobKinds)[number];

/** Its subject is the id of a request, or for `notify` the number of a row of the outbox. */
export type ApprovalJob = Job<JobKind>;
export type ApprovalJobHandlers = JobHandlers<JobKind>;
export type ApprovalJobQueue = JobQueue<JobKind>;

/** Applying and expiry come before telling people about them. */
export const jobPriority: JobPriorities<JobKind> = {
  outbox: 0,
  apply: 0,
  expire: 0,
  escalate: 0,
  remind: 10,
  notify: 10,
};
