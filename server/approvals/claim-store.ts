// The SQL of applying: who has a request for itself, until when, and what is still held of those that have ended.
import type { Queryable } from '../db.ts';

/** Who claims what is to be applied. */
export interface Claimant {
  /** Names this process and no other. */
  readonly name: string;
  /** What the names of earlier processes begin with that have ended for certain; undefined where none has. */
  readonly predecessors: string | undefined;
}

/** Ends the claims that processes have left which are gone, so that what they were at is taken up now. */
export async function endClaimsOfPredecessors(
  client: Queryable,
  { name, predecessors }: Claimant,
): Promise<void> {
  if (predecessors === undefined) return;
  await client.query(
    `update approval set lease_until = clock_timestamp()
     where state = 'applying' and lease_until > clock_timestamp() and starts_with(claimant, $1) and claimant <> $2`,
    [predecessors, name],
  );
}

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
