// A push that reached a repository around the guard, as the audit log tells of it: whose it was, as far as that is known,
// how sure that is, and what the scan afterwards found. Details of entries may be of another version of the guard.
import { z } from 'zod';

/**
 * What the name of whoever pushed rests on. `agents`: the configuration says that the account is this agent; `people`: that
 * it is this person; `bot`: GitHub says that the account is an App; `login`: the name of the account is all that is known;
 * `own-app`: it was the App of the guard, but not the guard; `nobody`: GitHub does not say who it was.
 */
export const attributionBases = ['agents', 'bot', 'people', 'login', 'own-app', 'nobody'] as const;
/** `likely`: something speaks against it, which the doubts name; `unknown`: nobody can be held to it. */
export const certainties = ['certain', 'likely', 'unknown'] as const;
/**
 * `deploy-key`: a deploy key that may write was used at about that time, and GitHub names a person in place of a key;
 * `deploy-keys-unread`: whether one was used could not be read;
 * `pusher`: GitHub calls whoever pushed otherwise than the account; `not-recorded`: the entry does not say what it rests on.
 */
export const doubts = ['deploy-key', 'deploy-keys-unread', 'pusher', 'not-recorded'] as const;

export const attributionSchema = z.object({
  by: z.enum(attributionBases),
  certainty: z.enum(certainties),
  doubts: z.array(z.enum(doubts)),
});
export type Attribution = z.output<typeof attributionSchema>;

/** What is known of who pushed. */
export interface SeenPusher {
  readonly by: Attribution['by'];
  readonly doubts: Attribution['doubts'];
}

/** How sure it is. */
export function attribution({ by, doubts: against }: SeenPusher): Attribution {
  // Whoever uses the guard's own App has stolen its key: its name says nothing of who that is.
  if (by === 'nobody' || by === 'own-app') return { by, certainty: 'unknown', doubts: against };
  return { by, certainty: against.length === 0 ? 'certain' : 'likely', doubts: against };
}

export const bypassFactsSchema = z.object({
  how: z.string().describe('push, unchecked-merge or differing-merge'),
  found: z.string().describe('by what it was noticed: webhook or comparison'),
  account: z.string().nullable().describe('the account that GitHub names'),
  attribution: attributionSchema,
  pullRequest: z.int().nullable(),
});
export type BypassFacts = z.output<typeof bypassFactsSchema>;

const text = z.string().nullable().catch(null).default(null);
const detailsSchema = z.object({
  how: z.string().catch('push').default('push'),
  found: z.string().catch('webhook').default('webhook'),
  by: text,
  pullRequest: z.int().nullable().catch(null).default(null),
  attribution: attributionSchema.optional().catch(undefined),
});

/** What the entry `bypass.detected` says of the push. */
export function bypassFactsOf(details: unknown): BypassFacts {
  const read = detailsSchema.parse(details);
  const { how, found, by: account, pullRequest } = read;
  const unsaid: SeenPusher =
    account === null ? { by: 'nobody', doubts: [] } : { by: 'login', doubts: ['not-recorded'] };
  return { how, found, account, pullRequest, attribution: read.attribution ?? attribution(unsaid) };
}
