// Destroys the key of a repository's sealed texts of one month: one person asks, another approves, both proved to the
// guard. The entries stay as they are, so every proof holds; what was sealed cannot be read any more, by anybody. The entry
// comes first: where the guard ends before it has done what that says, it is done at the next start.
import { randomBytes } from 'node:crypto';
import type { AuditEvent } from '../../../core/audit-event.ts';
import { GuardError } from '../../../core/errors.ts';
import type { Grant } from '../../../core/principal.ts';
import { coversEverything } from '../../../core/scope.ts';
import type { AuditLog, AuditShredding, Clock, Shred, ShredWish } from '../../../core/services.ts';
import { destroyedKeyOf } from '../../../core/log-walk.ts';
import type { Database, Queryable } from '../../db.ts';
import type { DerivedTexts } from '../../derived-texts.ts';
import { listEntries } from '../list.ts';
import { activeHolds } from '../retention/hold.ts';
import { readSize } from '../store.ts';
import {
  approveShred,
  destroyDataKey,
  destroyDocuments,
  insertShred,
  readDataKeyOf,
  readShred,
  readUnfinishedShreds,
  type StoredDataKey,
  type StoredShred,
  withdrawApproval,
} from './store.ts';

export interface ShreddingOptions {
  readonly database: Database;
  readonly audit: Pick<AuditLog, 'append'>;
  readonly clock: Clock;
  /** Texts that other parts keep, which go with those of the log. */
  readonly derived: readonly DerivedTexts[];
}

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
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

/** What an entry `audit.shredded` tells. */
interface ToldShred {
  readonly index: number;
  readonly key: string;
  /** Who approved. */
  readonly by: string;
}

/** The entry that says that a request was approved; undefined where there is none. */
async function findTold(client: Queryable, { id, requestedAt }: StoredShred): Promise<ToldShred | undefined> {
  // Times do not run backwards along the log, and no entry of a request is older than that.
  const from = new Date(requestedAt.getTime() - hourMs);
  for await (const { entry } of listEntries(client, await readSize(client), {
    from,
    action: 'audit.shredded',
  })) {
    const key = destroyedKeyOf(entry);
    if (entry.details['shred'] === id && key !== undefined && entry.actor !== null)
      return { index: entry.index, key, by: entry.actor.id };
  }
  return undefined;
}

/** The port, with what makes good what a crash has broken off. */
export interface Shredding extends AuditShredding {
  /** Destroys what an entry says was destroyed and is still there; how often that was so. Call it at the start. */
  finish(): Promise<number>;
}

/** The port. Dispose of nothing; it holds no resources. */
export function createShredding({ database, audit, clock, derived }: ShreddingOptions): Shredding {
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
    const details = { shred, repository, month, key: key.id, requestedBy: asked.requestedBy };
    await approveShred(database, shred, grant.principal.id);
    const { index } = await audit.append(shredEvent('audit.shredded', id, grant, details));
    await destroy(asked, { index, key: key.id, by: grant.principal.id });
    return { id: shred, repository, month, state: 'destroyed' };
  }

  /** Does what the entry says; without effect where it was done. */
  async function destroy({ id, repository, month }: StoredShred, told: ToldShred): Promise<void> {
    const { begin: from, end: to } = periodOf(month);
    await database.transaction(async (client) => {
      await destroyDataKey(client, told.key, told.index);
      await destroyDocuments(client, told.key);
      for (const texts of derived) await texts.forget(client, { repository, from, to });
      await approveShred(client, id, told.by);
    });
    // What the table held before is overwritten as soon as PostgreSQL uses the place again.
    await database.query('vacuum audit_data_key');
  }

  async function finish(): Promise<number> {
    let finished = 0;
    for (const asked of await readUnfinishedShreds(database)) {
      const told = await findTold(database, asked);
      if (told === undefined) {
        await withdrawApproval(database, asked.id);
        continue;
      }
      await destroy(asked, told);
      finished += 1;
    }
    return finished;
  }

  return {
    request: async (grant, id, wish) => {
      await finish();
      return request(grant, id, wish);
    },
    approve: async (grant, id, shred) => {
      await finish();
      return approve(grant, id, shred);
    },
    finish,
  };
}
