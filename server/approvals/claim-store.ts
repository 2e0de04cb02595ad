// The SQL of applying: who has a request for itself, until when, and what is still held of those that have ended.
import type { Queryable } from '../db.ts';

/** Keeps a claim for some seconds more; false where it is another's by now, or over. */
export async function extendClaim(
  client: Queryable,
  id: string,
  epoch: number,
  seconds: number,
): Promise<boolean> {
  const rows = await client.query(
    `update approval set lease_until = clock_timestamp() + make_interval(secs => $3)
     where id = $1 and epoch = $2 and state = 'applying' returning id`,
    [id, epoch, seconds],
  );
  return rows.length === 1;
}
