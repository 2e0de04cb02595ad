// Finds the entries of requests by the sessions that were made of the log; what it gives are the log's own entries.
import type { ActivityService } from '../../core/activity/service.ts';
import { GuardError } from '../../core/errors.ts';
import type { RecordedEntries } from '../../core/recorded-entries.ts';
import type { AuditFeed, RecordedEvent } from '../../core/services.ts';

/** Requests that are looked up at once. */
const mostAtOnce = 100;

/** The port, over the log. `activity` is asked for when it is needed. */
export function createRecordedEntries(
  activity: () => Pick<ActivityService, 'catchUp' | 'entriesOf'>,
  feed: Pick<AuditFeed, 'at'>,
): RecordedEntries {
  return async (requests) => {
    if (requests.length === 0) return [];
    const { behind } = await activity().catchUp();
    if (behind > 0) throw new GuardError('audit/unavailable', 'the audit log was not read to its end yet');
    const found: RecordedEvent[] = [];
    for (let from = 0; from < requests.length; from += mostAtOnce) {
      const entries = await activity().entriesOf(requests.slice(from, from + mostAtOnce));
      found.push(...(await feed.at(entries.map(({ index }) => index))));
    }
    return found.toSorted((left, right) => left.index - right.index);
  };
}
