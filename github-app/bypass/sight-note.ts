// What GitHub says about why repositories are out of the App's sight, and by whom.
import { z } from 'zod';
import type { SightReason } from '../../core/sight.ts';

export const accountSchema = z.object({
  login: z.string().max(200),
  id: z.int(),
  type: z.string().max(100),
});
export type GithubAccount = z.output<typeof accountSchema>;

export interface SightNote {
  readonly reason: Exclude<SightReason, 'unlisted'>;
  /** GitHub's numbers of the repositories it is about. */
  readonly ids: readonly number[];
  /** The account all of whose repositories it is about; null: those of the numbers alone. */
  readonly account: string | null;
  /** Null where GitHub does not say. */
  readonly by: GithubAccount | null;
}
