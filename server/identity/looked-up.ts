// What provers of tokens that the database knows have in common: a look at the token gives what it is good for, now and
// for a session in exchange.
import type { Exchangeable, Prover } from './prover.ts';

/** A token that may be honoured. */
export type LookedUp = Pick<Exchangeable, 'grant' | 'since' | 'parents'>;

/**
 * A prover by `look`, which gives undefined where the text is no token of the prover's form and rejects where it may not
 * be honoured. Such tokens are good for any number of sessions, and nothing more is on record of them.
 */
export function proveByLook(
  look: (token: string) => Promise<LookedUp | undefined>,
): Required<Pick<Prover, 'prove' | 'exchange'>> {
  return {
    prove: async ({ token }) => (token === undefined ? undefined : (await look(token))?.grant),
    exchange: async (token) => {
      const found = await look(token);
      return found && { ...found, facts: {}, spend: async () => undefined };
    },
  };
}
