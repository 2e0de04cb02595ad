// Finds who pushed a commit, in the sessions that were made of the log. The principal is that of the log's entry.
import type { PushedBy } from '../../core/pushed-by.ts';
import type { AuditFeed } from '../../core/services.ts';
import type { Queryable } from '../db.ts';
import { findPushOf } from './query-store.ts';

/** The port, over the log at `database`, of which `catchUp` has the newest entries read. */
export function createPushedBy(
  database: Queryable,
  feed: AuditFeed,
  catchUp: () => Promise<unknown>,
): PushedBy {
  return async (repository, commit) => {
    await catchUp();
    const index = await findPushOf(database, repository, commit);
    const [entry] = index === undefined ? [] : await feed.at([index]);
    return entry?.event.actor ?? undefined;
  };
}
