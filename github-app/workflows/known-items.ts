// What is known of the logs and artifacts of a run: what the table remembers, and of whatever may have gone further than
// the table what the audit log holds. The table is brought up to the log on the way.
import type { AuditEvent } from '../../core/audit-event.ts';
import type { Hub, HubServices } from '../hub.ts';
import { type ItemRecord, readRecord } from './item-record.ts';
import { keyOf, requestOf, type RunScene } from './run-scene.ts';
import type { RunPlace } from './workflow-run.ts';
import { type ItemKind, listItems, putItem, type WorkflowItem } from './workflow-store.ts';

export interface KnownItem extends WorkflowItem {
  /** What the log holds; undefined for an item that is settled, or of which it holds nothing. */
  readonly record: ItemRecord | undefined;
}

type Place = Pick<RunScene, 'services' | 'hub' | 'place'>;

/** What the log holds of these jobs or artifacts, by their ids. */
export async function recordsOf(
  { services, hub }: { readonly services: Pick<HubServices, 'recordedEntries'>; readonly hub: Hub },
  kind: ItemKind,
  ids: readonly number[],
): Promise<ReadonlyMap<number, ItemRecord>> {
  const requests = ids.map((id) => requestOf(hub, kind, id));
  const entries = Map.groupBy(await services.recordedEntries(requests), ({ event }) => event.request);
  return new Map(
    ids.flatMap((id, index) => {
      const record = readRecord(kind, entries.get(requests[index] ?? '') ?? []);
      return record === undefined ? [] : [[id, record] as const];
    }),
  );
}

/** Appends what a look has come to, unless another look was faster: one entry, whatever two guards do at once. */
export async function appendOnce(scene: RunScene, id: number, event: AuditEvent): Promise<void> {
  const kind: ItemKind = event.action.startsWith('log.') ? 'log' : 'artifact';
  const known = (await recordsOf(scene, kind, [id])).get(id);
  if (known?.state === undefined) await scene.services.audit.append(event);
}

/** Everything of one kind in the run that was looked at, `ids` or others. Rejects with `audit/unavailable`. */
export async function knownItems(
  place: Place,
  kind: ItemKind,
  ids: readonly number[],
): Promise<readonly KnownItem[]> {
  const rows = await rowsOf(place, kind);
  const known = new Set(rows.map(({ id }) => id));
  const missing = ids.filter((id) => !known.has(id));
  const records = await recordsOf(place, kind, [...missing, ...unsettled(rows).map(({ id }) => id)]);
  let isBehind = false;
  for (const [id, record] of records) {
    const row = rows.find((one) => one.id === id);
    if (record.state === undefined || (row !== undefined && isSame(row, record))) continue;
    // The list of its files can only be made by another look.
    if (kind === 'artifact' && row === undefined && record.isScanned && !record.isKept) continue;
    await putItem(place.services.database, {
      ...keyOf(place, kind, id),
      ...placeOf(place.place),
      attempt: record.attempt,
      request: record.identity.request,
      state: record.state,
      exposedSince: record.exposedSince,
      isKept: record.isKept,
      isDeleted: record.isDeleted,
      failures: record.failures,
    });
    isBehind = true;
  }
  const current = isBehind ? await rowsOf(place, kind) : rows;
  return current.map((row) => ({ ...row, record: records.get(row.id) }));
}

async function rowsOf({ services, hub, place }: Place, kind: ItemKind): Promise<readonly WorkflowItem[]> {
  const rows = await listItems(services.database, hub.forge, place.repository, place.run);
  return rows.filter((row) => row.kind === kind);
}

const placeOf = ({ repository, run }: RunPlace) => ({ repository, run });

/** Those in which values were found, until they are gone; logs go together with the others of their run. */
function unsettled(rows: readonly WorkflowItem[]): readonly WorkflowItem[] {
  const hasFound = rows.some(({ state }) => state === 'found');
  return rows.filter(
    ({ kind, state, deletedAt }) =>
      deletedAt === null && state !== 'absent' && (state === 'found' || (kind === 'log' && hasFound)),
  );
}

function isSame(row: WorkflowItem, record: ItemRecord): boolean {
  return (
    row.state === record.state &&
    row.failures === record.failures &&
    (row.keptAt !== null || !record.isKept) &&
    (row.deletedAt !== null || !record.isDeleted)
  );
}
