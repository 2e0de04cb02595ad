// Workshops set up ahead: when a client asks for the refs before a push, one is ready for the pack that will follow, and
// after a push one stays ready for the next, because an agent that was refused mends its change and pushes again.
// Only a saving: a push that finds none opens its own, so any guard can serve it.
import type { ObjectFormat } from '../../core/oid.ts';
import type { Repository } from './repository.ts';
import { Workshop, type WorkshopServices } from './workshop.ts';

export interface Preparations extends AsyncDisposable {
  /** Readies a workshop for a push that is expected at once; does nothing where enough are open. */
  prepare(owner: string, repository: Repository, objectFormat: ObjectFormat): void;
  /** Leaves a workshop ready for the owner's next push to the repository, which may never come. */
  keepReady(owner: string, repository: Repository, objectFormat: ObjectFormat): void;
  /** Hands over a workshop that was prepared for this owner, or undefined. */
  take(owner: string, repository: Repository, objectFormat: ObjectFormat): Promise<Workshop | undefined>;
}

const expectedMs = 10_000;
const spareMs = 60_000;
const maxOpen = 24;
const maxSpare = 8;

interface Prepared {
  readonly key: string;
  /** Undefined where it could not be opened. */
  readonly workshop: Promise<Workshop | undefined>;
  /** False until a client asks for the refs: no push is on its way to it. */
  expected: boolean;
  timer: NodeJS.Timeout;
}

/** Keeps at most 24 workshops, for at most 10 seconds where a push is expected and for a minute where it may come. */
export function createPreparations(services: WorkshopServices): Preparations {
  const open = new Set<Prepared>();
  let closed = false;
  const keyOf = (owner: string, repository: Repository, format: ObjectFormat): string =>
    `${owner}\0${repository.id}\0${repository.path}\0${format}`;

  async function discard(prepared: Prepared): Promise<void> {
    clearTimeout(prepared.timer);
    if (open.delete(prepared)) await (await prepared.workshop)?.[Symbol.asyncDispose]();
  }

  function expireAfter(prepared: () => Prepared, ms: number): NodeJS.Timeout {
    return setTimeout(() => void discard(prepared()).catch(() => undefined), ms);
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

  function add(key: string, repository: Repository, objectFormat: ObjectFormat, expected: boolean): void {
    // The client's own credential may differ from one request to the next.
    if (closed || open.size >= maxOpen || repository.forge.credential.mode === 'passthrough') return;
    const prepared: Prepared = {
      key,
      workshop: openWarm(repository, objectFormat),
      expected,
      timer: expireAfter(() => prepared, expected ? expectedMs : spareMs),
    };
    open.add(prepared);
  }

  const spares = (): readonly Prepared[] => [...open].filter((prepared) => !prepared.expected);

  return {
    prepare(owner, repository, objectFormat) {
      const key = keyOf(owner, repository, objectFormat);
      const spare = spares().find((prepared) => prepared.key === key);
      if (spare === undefined) return add(key, repository, objectFormat, true);
      clearTimeout(spare.timer);
      spare.expected = true;
      spare.timer = expireAfter(() => spare, expectedMs);
    },
    keepReady(owner, repository, objectFormat) {
      const key = keyOf(owner, repository, objectFormat);
      const known = spares();
      if (known.length < maxSpare && !known.some((prepared) => prepared.key === key))
        add(key, repository, objectFormat, false);
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
