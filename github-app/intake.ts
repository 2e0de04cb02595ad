// Takes webhooks in, many in one transaction: what a burst costs is one connection, however many come at once. Each is
// remembered together with what it asks for; one that was there already asks for nothing.
import { type Database, type Queryable, sqlState } from '../server/db.ts';
import { insertNote } from './bypass/sight-store.ts';
import type { Asked } from './event-reader.ts';
import { findChecksOfHead, insertDelivery, upsertWork } from './store.ts';
import { installedWork, type NewWork, pullWork } from './work.ts';

export interface Delivery {
  readonly forge: string;
  /** GitHub's id of the webhook. */
  readonly id: string;
  readonly asked: Asked;
}

export interface TakenWork {
  readonly id: string;
  readonly generation: number;
}

interface Pending {
  readonly delivery: Delivery;
  readonly taken: PromiseWithResolvers<readonly TakenWork[]>;
}

const mostAtOnce = 50;

/** What it returns fulfils once the webhook is durable; it rejects where the database cannot be reached. */
export function createIntake(database: Database): (delivery: Delivery) => Promise<readonly TakenWork[]> {
  const pending: Pending[] = [];
  let isTaking = false;

  async function takeAll(): Promise<void> {
    isTaking = true;
    for (let some = pending.splice(0, mostAtOnce); some.length > 0; some = pending.splice(0, mostAtOnce))
      await takeSome(some);
    isTaking = false;
  }

  async function takeSome(some: readonly Pending[]): Promise<void> {
    try {
      const works = await database.transaction(async (client) => {
        const all: (readonly TakenWork[])[] = [];
        for (const { delivery } of some) all.push(await take(client, delivery));
        return all;
      });
      for (const [at, { taken }] of some.entries()) taken.resolve(works[at] ?? []);
    } catch (thrown) {
      // No database: whoever waits is told at once, and GitHub delivers again.
      if (sqlState(thrown) === undefined)
        for (const { taken } of [...some, ...pending.splice(0)]) taken.reject(thrown);
      else if (some.length === 1) some[0]?.taken.reject(thrown);
      // One may have crossed another guard's work on the same rows: alone it waits for them and fails nobody else.
      else for (const one of some) await takeSome([one]);
    }
  }

  return (delivery) => {
    const taken = Promise.withResolvers<readonly TakenWork[]>();
    pending.push({ delivery, taken });
    if (!isTaking) takeAll().catch(taken.reject);
    return taken.promise;
  };
}

async function take(client: Queryable, { forge, id, asked }: Delivery): Promise<readonly TakenWork[]> {
  if (!(await insertDelivery(client, forge, id))) return [];
  const put = (work: NewWork) => upsertWork(client, { forge, ...work });
  if (asked.kind === 'nothing') return [];
  if (asked.kind === 'work') return [await put(asked.work)];
  if (asked.kind === 'sight') {
    await insertNote(client, forge, id, asked.note);
    return [await put(installedWork)];
  }
  const known = await findChecksOfHead(client, forge, asked.repository, asked.head);
  const numbers = known.map(({ subject }) => Number(/^pull\/(\d+)$/.exec(subject)?.[1]));
  const taken = [];
  for (const number of new Set([...numbers, ...asked.numbers])) {
    if (!(number > 0)) continue;
    taken.push(await put(pullWork(asked.repository, number, true)));
  }
  return taken;
}
