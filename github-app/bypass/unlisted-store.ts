// The SQL of the guard's own pushes whose list of refs cannot be had, one statement a function.
import { z } from 'zod';
import type { Queryable } from '../../server/db.ts';

const unlistedRow = z.object({
  request: z.string(),
  missing: z.int(),
  toldAt: z.date().nullable(),
});
export type Unlisted = z.output<typeof unlistedRow>;

/**
 * Puts one push down to such a push of the guard that was going on at this time, or had ended so many seconds before. Others
 * that are put down to the same one wait for the end of the transaction.
 */
export async function presume(
  client: Queryable,
  repository: string,
  at: Date,
  seconds: number,
): Promise<Unlisted | undefined> {
  const [row] = await client.query(
    `update github_unlisted set presumed = presumed + 1
      where request = (select request from github_unlisted
              where repository = $1 and presumed < missing and at <= $2
                and coalesce(ended_at, at + interval '15 minutes') + make_interval(secs => $3) >= $2
              order by at desc limit 1 for update)
      returning request, missing, told_at as "toldAt"`,
    [repository.toLowerCase(), at, seconds],
  );
  return row === undefined ? undefined : unlistedRow.parse(row);
}

/** People were told. */
export async function markTold(client: Queryable, request: string): Promise<void> {
  await client.query('update github_unlisted set told_at = clock_timestamp() where request = $1', [request]);
}
