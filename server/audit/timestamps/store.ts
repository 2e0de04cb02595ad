// The SQL of time stamps.
import type { Queryable } from '../../db.ts';

export interface StoredTimestamp {
  readonly size: number;
  /** The note of the checkpoint that was stamped. */
  readonly note: string;
  /** The authority's response, DER. */
  readonly response: Buffer;
}

/** Keeps a response; several guards may have asked for it. */
export async function insertTimestamp(client: Queryable, size: number, response: Buffer): Promise<void> {
  await client.query('insert into audit_timestamp (size, response) values ($1, $2) on conflict do nothing', [
    size,
    response,
  ]);
}

/** The stamped checkpoint next to `size`, at most or at least that large. */
export async function readTimestampNear(
  client: Queryable,
  side: 'up-to' | 'from',
  size: number,
): Promise<StoredTimestamp | undefined> {
  const [row] = await client.query<StoredTimestamp>(
    `select t.size::float8 as size, c.note, t.response
       from audit_timestamp t join audit_checkpoint c on c.size = t.size
      where ${side === 'up-to' ? 't.size <= $1' : 't.size >= $1'}
      order by t.size ${side === 'up-to' ? 'desc' : 'asc'} limit 1`,
    [size],
  );
  return row;
}
