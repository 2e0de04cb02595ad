// What a check says, before it is cut to GitHub's limits.

export type Conclusion = 'success' | 'failure' | 'neutral' | 'action_required';

const passing: readonly (string | null)[] = ['success', 'neutral', null];

/** True where nothing speaks against a merge; null where nothing is known yet. */
export function isPassing(conclusion: string | null): boolean {
  return passing.includes(conclusion);
}

export interface Annotation {
  readonly path: string;
  readonly start_line: number;
  readonly end_line: number;
  readonly start_column?: number;
  readonly end_column?: number;
  readonly annotation_level: 'notice' | 'warning' | 'failure';
  readonly message: string;
  readonly title: string;
}

export interface Action {
  /** At most 20 characters. */
  readonly label: string;
  /** At most 40 characters. */
  readonly description: string;
  readonly identifier: string;
}

export interface CheckContent {
  readonly conclusion: Conclusion;
  readonly title: string;
  /** Markdown that is read in ten seconds. */
  readonly summary: string;
  /** Markdown, the details. */
  readonly text: string;
  readonly annotations: readonly Annotation[];
  readonly actions: readonly Action[];
  readonly detailsUrl: string | null;
}

export const rescan: Action = {
  label: 'Re-scan',
  description: 'Look at the change again',
  identifier: 'rescan',
};
export const decisions: readonly Action[] = [
  { label: 'Approve', description: 'Agree to exactly this commit', identifier: 'approve' },
  { label: 'Deny', description: 'Refuse this commit', identifier: 'deny' },
];
