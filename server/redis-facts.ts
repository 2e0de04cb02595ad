// What a Redis server says about itself, and what is unwise about how it is set up.
import { Redis } from 'ioredis';
import { GuardError } from '../core/errors.ts';
import { within } from './deadline.ts';
import type { Secret } from './secret.ts';

/** What a Redis server says about itself. */
export interface RedisFacts {
  /** Such as `7.0.15`; of a server that speaks its protocol the version that it stands for. */
  readonly version: string;
  /** What it does where its memory is full; undefined where it does not say. */
  readonly evictionPolicy: string | undefined;
}

/** What the server behind a connection says. */
export async function readRedisFacts(client: Redis): Promise<RedisFacts> {
  const text = `${await client.info('server')}\n${await client.info('memory')}`;
  const said = (name: string): string | undefined => new RegExp(`^${name}:(\\S+)`, 'm').exec(text)?.[1];
  return { version: said('redis_version') ?? 'unknown', evictionPolicy: said('maxmemory_policy') };
}

/** What is unwise about a server; null where nothing is. */
export function adviseOn({ evictionPolicy }: RedisFacts): string | null {
  return evictionPolicy === undefined || evictionPolicy === 'noeviction'
    ? null
    : `Redis may drop jobs: set maxmemory-policy to noeviction, it is ${evictionPolicy}`;
}

/**
 * Asks a server about itself, once, within `ms`. Rejects with `queue/unavailable`, in its words, where it cannot be
 * reached or does not let the guard in.
 */
export async function askRedis(url: Secret, ms: number): Promise<RedisFacts> {
  const client = new Redis(url.reveal(), {
    lazyConnect: true,
    connectTimeout: ms,
    commandTimeout: ms,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  });
  let problem: Error | undefined;
  client.on('error', (error: Error) => (problem = error));
  try {
    return await within(
      client.connect().then(() => readRedisFacts(client)),
      ms,
      () => new GuardError('queue/unavailable', 'Redis did not answer in time'),
    );
  } catch (thrown) {
    const why = problem ?? thrown;
    throw new GuardError('queue/unavailable', why instanceof Error ? why.message : 'Redis did not answer', {
      cause: why,
    });
  } finally {
    client.disconnect();
  }
}
