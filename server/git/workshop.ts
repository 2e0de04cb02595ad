// Where one push is worked on: a quarantine, the cache of the upstream's history, and the Git processes for both. It can
// be set up while the client still packs, so that nothing has to be started when the pack arrives.
import type { ObjectFormat } from '../../core/oid.ts';
import type { Limits } from '../config.ts';
import type { History, HistoryLease } from './history.ts';
import { ObjectReader } from './object-reader.ts';
import { type Pack, Quarantine } from './quarantine.ts';
import { remoteEnvironment } from './remote-environment.ts';
import type { Repository } from './repository.ts';
import type { Gateway, GitRemote } from './gateway.ts';

export interface WorkshopServices {
  readonly history: History;
  readonly gateway: Pick<Gateway, 'remoteFor'>;
  readonly limits: Pick<Limits, 'packBytes' | 'objectBytes'>;
  /** Directory that holds the quarantines. */
  readonly quarantineRoot: string;
  /** True where the installed Git can tolerate old faults while it indexes a pack. */
  readonly toleratesWhileIndexing: boolean;
}

/** Owns what it opened; dispose of it whatever happened. */
export class Workshop implements AsyncDisposable {
  readonly quarantine: Quarantine;
  readonly history: HistoryLease;
  readonly remote: GitRemote;
  readonly #maxBytes: number;
  #reader: Promise<ObjectReader> | undefined;

  private constructor(quarantine: Quarantine, history: HistoryLease, remote: GitRemote, maxBytes: number) {
    this.quarantine = quarantine;
    this.history = history;
    this.remote = remote;
    this.#maxBytes = maxBytes;
  }

  /** Opens an empty one. Rejects with `git/disk-full` where there is no room. */
  static async open(
    services: WorkshopServices,
    repository: Repository,
    objectFormat: ObjectFormat,
    authorization: string | undefined,
  ): Promise<Workshop> {
    const history = await services.history.lease({ repository: repository.id, objectFormat });
    try {
      const quarantine = await Quarantine.create({
        root: services.quarantineRoot,
        objectFormat,
        alternates: [history.treesPath],
        maxObjectBytes: services.limits.objectBytes,
        toleratesWhileIndexing: services.toleratesWhileIndexing,
      });
      const remote = services.gateway.remoteFor(repository, authorization);
      return new Workshop(quarantine, history, remote, services.limits.packBytes);
    } catch (thrown) {
      await history[Symbol.asyncDispose]();
      throw thrown;
    }
  }

  /** Starts the processes that a push with a pack will need. */
  async warmUp(): Promise<void> {
    await Promise.all([this.quarantine.warmUp(this.#indexOptions()), this.#openReader()]);
  }

  /** Takes the pack in. Rejects as `Quarantine.receive` does. */
  async receive(source: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<Pack> {
    return this.quarantine.receive(source, this.#indexOptions(), signal);
  }

  /** Reads the objects of the push and what the cache holds. */
  async reader(signal: AbortSignal): Promise<ObjectReader> {
    const reader = await this.#openReader();
    reader.stopOn(signal);
    return reader;
  }

  #openReader(): Promise<ObjectReader> {
    return (this.#reader ??= ObjectReader.open(this.quarantine.environment(), this.quarantine.path));
  }

  #indexOptions(): { readonly maxBytes: number; readonly remote: Record<string, string> } {
    return { maxBytes: this.#maxBytes, remote: remoteEnvironment(this.remote) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const reader = await this.#reader?.catch(() => undefined);
    await reader?.[Symbol.asyncDispose]();
    await this.quarantine[Symbol.asyncDispose]();
    await this.history[Symbol.asyncDispose]();
  }
}
