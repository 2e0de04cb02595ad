// Proves who sends a request, by asking one prover after the other. Nothing that no prover knows is ever accepted.
import { setInterval } from 'node:timers';
import { refusalOf, refuseIdentity } from '../../core/identity-refusal.ts';
import type { IdentityService } from '../../core/services.ts';
import { readToken } from './authorization.ts';
import { demandCertificate } from './certificate-binding.ts';
import type { Exchangeable, Prover } from './prover.ts';

/** Upkeep happens at this interval, in ms. */
const upkeepInterval = 5_000;

export interface Identity extends IdentityService, AsyncDisposable {
  /** Proves a token that is to be exchanged. Rejects with a refusal. */
  exchange(token: string): Promise<Exchangeable>;
  /** Revokes a token in the name of whoever holds it; does nothing where it is none that is honoured. */
  revoke(token: string): Promise<void>;
  /** Lets every prover do what is not urgent; runs by itself every few seconds. */
  upkeep(): Promise<void>;
}

/** Starts the service, which owns its provers; dispose of it before the database and the audit log. */
export function createIdentityService(provers: readonly Prover[]): Identity {
  let running: Promise<void> | undefined;

  async function maintain(): Promise<void> {
    const done = await Promise.allSettled(provers.map(async (prover) => prover.upkeep?.()));
    for (const result of done) if (result.status === 'rejected') throw result.reason;
  }

  const upkeep = (): Promise<void> => {
    running ??= maintain().finally(() => (running = undefined));
    return running;
  };
  // What fails now is done by a later round: the database keeps what is to be recorded.
  const timer = setInterval(() => void upkeep().catch(() => undefined), upkeepInterval);
  timer.unref();

  return {
    authenticate: async (presented) => {
      // A header that cannot be read is refused whatever else is presented.
      const token = presented.authorization === undefined ? undefined : readToken(presented.authorization);
      for (const prover of provers) {
        const grant = await prover.prove({ presented, token });
        if (grant !== undefined) return demandCertificate(grant, presented);
      }
      throw refuseIdentity(token === undefined ? 'missing' : 'unknown-kind');
    },
    exchange: async (token) => {
      for (const prover of provers) {
        const found = await prover.exchange?.(token);
        if (found !== undefined) return found;
      }
      throw refuseIdentity('unknown-kind');
    },
    revoke: async (token) => {
      for (const prover of provers) {
        const isDone = await prover.revoke?.(token).catch((error: unknown) => {
          if (refusalOf(error) === undefined) throw error;
          return true;
        });
        if (isDone === true) break;
      }
      // It works already; what cannot be recorded now is recorded later.
      await upkeep().catch(() => undefined);
    },
    upkeep,
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer);
      await upkeep().catch(() => undefined);
      for (const prover of provers) await prover[Symbol.asyncDispose]?.();
    },
  };
}
