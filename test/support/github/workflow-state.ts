// Runs of workflows on the fake: jobs with their logs, artifacts, deployments that wait. Kept beside the repository.
import type { Account } from './account-state.ts';
import type { Repository } from './world.ts';

export interface WorkflowJob {
  readonly id: number;
  readonly attempt: number;
  readonly name: string;
  readonly startedAt: Date;
  status: 'in_progress' | 'completed';
  conclusion: 'success' | 'failure' | 'skipped' | 'cancelled' | null;
  /** Whether a runner has taken it. */
  readonly ran: boolean;
  /** As GitHub sends it; undefined where it is not there. */
  log: Uint8Array | undefined;
}

export interface WorkflowArtifact {
  readonly id: number;
  readonly name: string;
  readonly zip: Uint8Array;
  readonly createdAt: Date;
  expired: boolean;
}

export interface WorkflowRun {
  readonly id: number;
  readonly name: string;
  readonly headSha: string;
  readonly headBranch: string;
  readonly event: string;
  readonly actor: Account;
  readonly createdAt: Date;
  triggeringActor: Account;
  /** The attempt that is shown. */
  startedAt: Date;
  attempt: number;
  status: 'in_progress' | 'waiting' | 'completed';
  conclusion: 'success' | 'failure' | 'cancelled' | null;
  readonly jobs: WorkflowJob[];
  readonly artifacts: WorkflowArtifact[];
  /** When the logs were deleted. */
  logsDeletedAt: Date | undefined;
}

export interface Deployment {
  readonly id: number;
  readonly run: WorkflowRun;
  readonly environment: string;
  readonly sha: string;
  readonly ref: string;
  readonly creator: Account;
  readonly createdAt: Date;
  /** What the app has said: comments first, and then how it decided. */
  readonly told: { readonly state: string | undefined; readonly comment: string }[];
  state: 'waiting' | 'approved' | 'rejected';
}

export interface Workflows {
  readonly runs: Map<number, WorkflowRun>;
  readonly deployments: Map<number, Deployment>;
}

const kept = new WeakMap<Repository, Workflows>();

/** The workflows of a repository. */
export function workflowsOf(repository: Repository): Workflows {
  const known = kept.get(repository);
  if (known !== undefined) return known;
  const made = { runs: new Map<number, WorkflowRun>(), deployments: new Map<number, Deployment>() };
  kept.set(repository, made);
  return made;
}
