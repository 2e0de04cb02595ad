// Workshops set up ahead: when a client asks for the refs before a push, one is opened for the pack that will follow.
// Only a saving: a push that finds none opens its own, so any guard can serve it.
import type { ObjectFormat } from '../../core/oid.ts';
import type { Repository } from './repository.ts';
import { Workshop, type WorkshopServices } from './workshop.ts';

export interface Preparations extends AsyncDisposable {
  /** Opens a workshop for a push that is expected soon; does nothing where enough are open. */
  prepare(owner: string, repository: Repository, objectFormat: ObjectFormat): void;
  /** Hands over a workshop that was prepared for this owner, or undefined. */
  take(owner: string, repository: Repository, objectFormat: ObjectFormat): Promise<Workshop | undefined>;
}

const lifetimeMs = 10_000;
const maxOpen = 24;

interface Prepared {
  readonly key: string;
  /** Undefined where it could not be opened. */
  readonly workshop: Promise<Workshop | undefined>;
  readonly timer: NodeJS.Timeout;
}

/** Keeps at most 24 workshops for at most 10 seconds. */
export function createPreparations(services: WorkshopServices): Preparations {
  const open = new Set<Prepared>();
  let closed = false;
  const keyOf = (owner: string, repository: Repository, format: ObjectFormat): string =>
    `${owner}\0${repository.id}\0${repository.path}\0${format}`;

  async function discard(prepared: Prepared): Promise<void> {
    clearTimeout(prepared.timer);
    if (open.delete(prepared)) await (await prepared.workshop)?.[Symbol.asyncDispose]();
  }

  async function openWarm(repository: Repository, objectFormat: ObjectFormat): Promise<Workshop | undefined> {
    let workshop: Workshop | undefined;
    try {
      workshop = await Workshop.open(services, repository, objectFormat, undefined);
      await workshop.warmUp();
      return workshop;
    } catch {
      await workshop?.[Symbol.asyncDispose]().catch(() => undefined);
      return undefined;
    }
  }

  return {
    prepare(owner, repository, objectFormat) {
      // The client's own credential may differ from one request to the next.
      if (closed || open.size >= maxOpen || repository.forge.credential.mode === 'passthrough') return;
      const prepared: Prepared = {
        key: keyOf(owner, repository, objectFormat),
        workshop: openWarm(repository, objectFormat),
        timer: setTimeout(() => void discard(prepared).catch(() => undefined), lifetimeMs),
      };
      open.add(prepared);
    },
    async take(owner, repository, objectFormat) {
      const key = keyOf(owner, repository, objectFormat);
      const found = [...open].find((prepared) => prepared.key === key);
      if (found === undefined) return undefined;
      clearTimeout(found.timer);
      open.delete(found);
      return found.workshop;
    },
    async [Symbol.asyncDispose]() {
      closed = true;
      await Promise.all([...open].map(discard));
    },
  };
}
