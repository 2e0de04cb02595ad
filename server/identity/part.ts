// Puts the identity part together: the one list of provers, in the order in which they are asked.
import { createGuardTokenProver, type ProverOptions } from './guard-token-prover.ts';
import { createIdentityService, type Identity } from './service.ts';

/** Starts it; dispose of it before the database and the audit log. */
export function createIdentity(options: ProverOptions): Identity {
  return createIdentityService([createGuardTokenProver(options)]);
}
