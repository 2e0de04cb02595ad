// Lets a bounded number of pushes in at once; the others wait their turn for a while.
import { GuardError } from '../../core/errors.ts';

export interface Gate {
  /** Waits for a place and returns the function that gives it back. Rejects with `git/busy` after `patienceMs`. */
  enter(patienceMs: number): Promise<() => void>;
}

/** A gate with this many places; first come, first served. */
export function createGate(places: number): Gate {
  let free = places;
  const waiting = new Set<() => void>();

  function leave(): void {
    const next = waiting.values().next();
    if (next.done === true) {
      free += 1;
    } else {
      waiting.delete(next.value);
      next.value();
    }
  }

  function pass(): () => void {
    let left = false;
    return () => {
      if (!left) leave();
      left = true;
    };
  }

  return {
    async enter(patienceMs) {
      if (free > 0) {
        free -= 1;
        return pass();
      }
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(() => {
          waiting.delete(admit);
          reject(
            new GuardError('git/busy', `${places} pushes are under way already (limits.concurrentPushes)`),
          );
        }, patienceMs);
        const admit = (): void => {
          clearTimeout(timer);
          resolve();
        };
        waiting.add(admit);
      });
      return pass();
    },
  };
}

/** A gate of its own for each name, with this many places; there only as long as somebody is in it or waits. */
export function createNamedGates(places: number): {
  enter(name: string, patienceMs: number): Promise<() => void>;
} {
  const gates = new Map<string, { readonly gate: Gate; users: number }>();
  return {
    async enter(name, patienceMs) {
      const own = gates.get(name) ?? { gate: createGate(places), users: 0 };
      gates.set(name, own);
      own.users += 1;
      let isIn = true;
      const goes = (): void => {
        if (!isIn) return;
        isIn = false;
        own.users -= 1;
        if (own.users === 0) gates.delete(name);
      };
      try {
        const leave = await own.gate.enter(patienceMs);
        return () => {
          leave();
          goes();
        };
      } catch (thrown) {
        goes();
        throw thrown;
      }
    },
  };
}
