// Destroys the key of a repository's sealed texts of one month: one person asks, another approves, both proved to the
// guard. The entries stay as they are, so every proof holds; what was sealed cannot be read any more, by anybody.
import { randomBytes } from 'node:crypto';
import type { AuditEvent } from '../../../core/audit-event.ts';
import { GuardError } from '../../../core/errors.ts';
import type { Grant } from '../../../core/principal.ts';
import { coversEverything } from '../../../core/scope.ts';
import type { AuditLog, AuditShredding, Clock, Shred, ShredWish } from '../../../core/services.ts';
import type { Database } from '../../db.ts';
import type { DerivedTexts } from '../../derived-texts.ts';
import { activeHolds } from '../retention/hold.ts';
import {
  approveShred,
  destroyDataKey,
  destroyDocuments,
  insertShred,
  readDataKeyOf,
  readShred,
  type StoredDataKey,
} from './store.ts';

export interface ShreddingOptions {
  readonly database: Database;
  readonly audit: Pick<AuditLog, 'append'>;
  readonly clock: Clock;
  /** Texts that other parts keep, which go with those of the log. */
  readonly derived: readonly DerivedTexts[];
}

const dayMs = 86_400_000;
/** Somebody else must approve within this span. */
const requestMs = 7 * dayMs;
const maxReasonLength = 1_000;

function refuse(message: string): GuardError {
  return new GuardError('input/invalid', message);
}

/** [begin, end) of a month `YYYY-MM` in UTC. */
function periodOf(month: string): { readonly begin: Date; readonly end: Date } {
  const begin = new Date(`${month}-01T00:00:00.000Z`);
  if (!/^\d{4}-\d{2}$/.test(month) || Number.isNaN(begin.getTime()))
    throw refuse('a month is written as 2026-03');
  return { begin, end: new Date(Date.UTC(begin.getUTCFullYear(), begin.getUTCMonth() + 1)) };
}

function demandPerson(grant: Grant): void {
  if (grant.principal.kind !== 'human')
    throw new GuardError('approval/not-human', 'only people destroy texts of the audit log');
  if (!coversEverything(grant, 'audit'))
    throw new GuardError('identity/forbidden', 'destroying texts of the audit log needs the scope **:audit');
}

/** Everybody who stands behind a credential. */
function peopleOf({ principal, owner }: Grant): readonly string[] {
  return [principal.id, ...principal.onBehalfOf, ...(owner === null ? [] : [owner])];
}

function shredEvent(
  action: 'audit.shred-requested' | 'audit.shredded',
  request: string,
  { principal }: Grant,
  details: AuditEvent['details'],
): AuditEvent {
  // Not sealed itself: it bears no repository of its own.
  return { action, request, actor: principal, repository: null, details };
}

/** The port. Dispose of nothing; it holds no resources. */
export function createShredding({ database, audit, clock, derived }: ShreddingOptions): AuditShredding {
  async function keyToDestroy({
    repository,
    month,
  }: Pick<ShredWish, 'repository' | 'month'>): Promise<StoredDataKey> {
    const { begin, end } = periodOf(month);
    // A guard may still seal with the key of a month that has just ended.
    if (clock.now().getTime() < end.getTime() + dayMs)
      throw refuse(`${month} is not over yet: its texts can be destroyed from the day after it on`);
    const held = (await activeHolds(database)).find(
      (hold) =>
        (hold.repository === undefined || hold.repository === repository) &&
        (hold.from === undefined || hold.from < end) &&
        (hold.to === undefined || hold.to > begin),
    );
    if (held !== undefined) throw refuse(`the legal hold ${held.id} keeps these texts`);
    const key = await readDataKeyOf(database, repository, month);
    if (key === undefined) throw refuse('nothing was sealed for this repository in this month');
    if (key.wrapped === null) throw refuse('these texts were destroyed before');
    for (const texts of derived) {
      const why = await texts.blockedBy(database, { repository, from: begin, to: end });
      if (why !== undefined) throw refuse(why);
    }
    return key;
  }

  async function request(grant: Grant, id: string, wish: ShredWish): Promise<Shred> {
    demandPerson(grant);
    const { repository, month, reason } = wish;
    if (reason.trim() === '' || reason.length > maxReasonLength)
      throw refuse(`a reason has 1 to ${maxReasonLength} characters`);
    const key = await keyToDestroy(wish);
    const shred = `shred-${randomBytes(6).toString('hex')}`;
    const details = { shred, repository, month, key: key.id, reason };
    await audit.append(shredEvent('audit.shred-requested', id, grant, details));
    await insertShred(database, {
      id: shred,
      repository,
      month,
      reason,
      requestedBy: grant.principal.id,
      requestedFor: grant.owner,
      requestedAt: clock.now(),
    });
    return { id: shred, repository, month, state: 'requested' };
  }

  async function approve(grant: Grant, id: string, shred: string): Promise<Shred> {
    demandPerson(grant);
    const asked = await readShred(database, shred);
    if (asked === undefined || clock.now().getTime() - asked.requestedAt.getTime() > requestMs)
      throw refuse('nobody has asked for this within the last 7 days');
    const people = peopleOf(grant);
    if (people.includes(asked.requestedBy) || people.includes(asked.requestedFor ?? asked.requestedBy))
      throw new GuardError('approval/involved', 'the one who asks to destroy texts does not approve it');
    const { repository, month } = asked;
    const key = await keyToDestroy(asked);
    const { begin: from, end: to } = periodOf(month);
    const details = { shred, repository, month, key: key.id, requestedBy: asked.requestedBy };
    const { index } = await audit.append(shredEvent('audit.shredded', id, grant, details));
    await database.transaction(async (client) => {
      await destroyDataKey(client, key.id, index);
      await destroyDocuments(client, key.id);
      for (const texts of derived) await texts.forget(client, { repository, from, to });
      await approveShred(client, shred, grant.principal.id);
    });
    // What the table held before is overwritten as soon as PostgreSQL uses the place again.
    await database.query('vacuum audit_data_key');
    return { id: shred, repository, month, state: 'destroyed' };
  }

  return { request, approve };
}
