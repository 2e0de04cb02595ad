// What the rest of the guard asks of the record: who brought a commit, and what it holds of a request.
import type { ActivityService } from '../../core/activity/service.ts';
import type { PushedBy } from '../../core/pushed-by.ts';
import type { RecordedEntries } from '../../core/recorded-entries.ts';
import type { AuditFeed } from '../../core/services.ts';
import type { Queryable } from '../db.ts';
import { createPushedBy } from './pushed-by.ts';
import { createRecordedEntries } from './recorded-entries.ts';

export interface RecordPorts {
  readonly pushedBy: PushedBy;
  readonly recordedEntries: RecordedEntries;
}

/** The ports over the log; `activity` is asked for when it is needed. */
export function createRecordPorts(
  database: Queryable,
  feed: AuditFeed,
  activity: () => Pick<ActivityService, 'catchUp' | 'entriesOf'>,
): RecordPorts {
  return {
    pushedBy: createPushedBy(database, feed, () => activity().catchUp()),
    recordedEntries: createRecordedEntries(activity, feed),
  };
}
