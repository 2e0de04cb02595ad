// Has the newest checkpoint stamped by a time stamping authority every so often. An authority that is gone delays nobody
// and is on record.
import { randomBytes } from 'node:crypto';
import { parseCheckpoint } from '../../../core/checkpoint.ts';
import { GuardError } from '../../../core/errors.ts';
import type { AuditLog } from '../../../core/services.ts';
import type { Queryable } from '../../db.ts';
import { recordOutages, startRounds, type Rounds } from '../rounds.ts';
import { readNewestNote } from '../store.ts';
import { insertTimestamp, readTimestampNear } from './store.ts';
import { readTimestamp, timestampRequest } from './timestamp.ts';

export interface TimestampAuthority {
  readonly url: string;
  /** PEM text of the authorities whose stamps count. */
  readonly authorities: string;
  /** Object id of the policy to ask for; undefined: the authority's own. */
  readonly policy: string | undefined;
}

export interface TimestampingOptions {
  readonly database: Queryable;
  readonly append: AuditLog['append'];
  readonly authority: TimestampAuthority;
  readonly everyMs: number;
}

const deadlineMs = 20_000;
const maxResponseBytes = 65_536;

function failed(why: string, cause?: unknown): GuardError {
  return new GuardError('audit/timestamp', `couldn't have a checkpoint stamped: ${why}`, { cause });
}

async function ask({ url }: TimestampAuthority, request: Buffer): Promise<Buffer> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/timestamp-query', accept: 'application/timestamp-reply' },
      body: Uint8Array.from(request),
      redirect: 'error',
      signal: AbortSignal.timeout(deadlineMs),
    });
    if (response.status !== 200) throw failed(`the authority answered ${response.status}`);
    const chunks: Uint8Array[] = [];
    let length = 0;
    const body: AsyncIterable<Uint8Array> | null = response.body;
    for await (const chunk of body ?? []) {
      length += chunk.length;
      if (length > maxResponseBytes) throw failed('its answer is too long');
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  } catch (cause) {
    if (cause instanceof GuardError) throw cause;
    throw failed('the authority did not answer', cause);
  }
}

/** Has it stamped in each round in which there is something new; the first at once. Dispose of it before the log. */
export function startTimestamping({ database, append, authority, everyMs }: TimestampingOptions): Rounds {
  const record = recordOutages({
    append,
    failed: 'audit.timestamp-failed',
    resumed: 'audit.timestamp-resumed',
    details: { authority: new URL(authority.url).host },
  });

  async function stamp(): Promise<void> {
    const note = await readNewestNote(database);
    const checkpoint = note === undefined ? undefined : parseCheckpoint(note);
    if (note === undefined || checkpoint === undefined) return;
    const last = await readTimestampNear(database, 'up-to', checkpoint.size);
    if (last?.size === checkpoint.size) return;
    // Positive, as some authorities demand.
    const nonce = Buffer.concat([Buffer.of(0x01), randomBytes(8)]);
    const response = await ask(authority, await timestampRequest(checkpoint.text, nonce, authority.policy));
    const { authorities, policy } = authority;
    const reading = await readTimestamp(response, { note, nonce, policy, authorities });
    if (reading.kind === 'bad') throw failed(reading.why);
    await insertTimestamp(database, checkpoint.size, response);
  }

  async function attempt(): Promise<void> {
    try {
      await stamp();
    } catch (thrown) {
      if (!(thrown instanceof GuardError)) throw thrown;
      await record(thrown.message);
      return;
    }
    await record(undefined);
  }

  return startRounds({ work: attempt, everyMs, startsAtOnce: true });
}
