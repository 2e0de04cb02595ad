// A pull request of the fake, and what people said about it.
import type { Account } from './account-state.ts';

export interface Review {
  readonly id: number;
  readonly user: Account;
  body: string;
  state: 'APPROVED' | 'CHANGES_REQUESTED' | 'COMMENTED' | 'DISMISSED';
  readonly commit: string;
  readonly submittedAt: Date;
}

export interface ReviewComment {
  readonly id: number;
  readonly review: number;
  readonly user: Account;
  body: string;
  readonly path: string;
  readonly line: number;
  readonly commit: string;
  readonly createdAt: Date;
  updatedAt: Date;
}

export interface PullRequest {
  readonly id: number;
  readonly number: number;
  readonly user: Account;
  readonly baseRef: string;
  readonly headRef: string;
  /** `<owner>/<name>`; null once the fork was deleted. */
  headRepository: string | null;
  readonly createdAt: Date;
  updatedAt: Date;
  title: string;
  body: string | null;
  isDraft: boolean;
  headSha: string;
  baseSha: string;
  merged: { readonly sha: string; readonly by: Account; readonly at: Date } | undefined;
  closedAt: Date | undefined;
  readonly reviews: Review[];
  readonly reviewComments: ReviewComment[];
}
