// Folds entries about pushes around the guard into one row for each, whoever it was. Knows no database.
import { foldFacts } from '../../core/activity/attempt.ts';
import type { BypassRecord } from '../../core/activity/service.ts';
import type { RecordedEvent } from '../../core/services.ts';

/** The rows that the entries, which follow one another in the log, make of those that are known, by their requests. */
export function foldBypasses(
  known: ReadonlyMap<string, BypassRecord>,
  entries: readonly RecordedEvent[],
): readonly BypassRecord[] {
  const rows = new Map<string, BypassRecord>();
  for (const entry of entries) {
    const { request } = entry.event;
    const row = foldOne(rows.get(request) ?? known.get(request), entry);
    if (row !== undefined) rows.set(request, row);
  }
  return [...rows.values()];
}

function foldOne(
  row: BypassRecord | undefined,
  { index, time, event }: RecordedEvent,
): BypassRecord | undefined {
  const { action, request, repository, actor } = event;
  if (action !== 'bypass.detected' && (row === undefined || action !== 'bypass.scanned')) return row;
  const facts = foldFacts(row?.facts ?? {}, event);
  return row === undefined
    ? { request, firstIndex: index, lastIndex: index, at: time, repository, actor: actor?.id ?? null, facts }
    : { ...row, lastIndex: index, facts };
}
