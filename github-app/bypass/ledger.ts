// What the guard itself has brought to repositories, or let pass, read from its audit log: the one record that nobody can
// change afterwards, and that all guards share. What is derived here can be made again from there.
import { z } from 'zod';
import type { AuditEvent } from '../../core/audit-event.ts';
import type { AuditFeed, RecordedEvent } from '../../core/services.ts';
import type { Database, Queryable } from '../../server/db.ts';
import {
  closeForwards,
  deleteForwards,
  deletePush,
  insertPassed,
  lockLedger,
  moveLedger,
  passWaiting,
} from './ledger-store.ts';
import { refKey } from './ref-key.ts';
import { type Evidence, takeDecision } from './take-decision.ts';

export interface Ledger {
  /** Reads the log to its end. What was durable before the call is known after it. */
  catchUp(): Promise<void>;
}

export interface LedgerOptions {
  readonly database: Database;
  readonly feed: AuditFeed;
  readonly evidence: Evidence;
  /** Names of the forges that are looked after. */
  readonly forges: ReadonlySet<string>;
}

const pageSize = 500;
/** Where the log was never read it is read from so many entries before its end. */
const firstLook = 10_000;

const oid = z.string().regex(/^([0-9a-f]{40}|[0-9a-f]{64})$/);
const forwarded = z.object({
  refs: z.array(z.object({ ref: z.string(), status: z.string() })).optional(),
});
const pullChecked = z.object({ pullRequest: z.int(), head: oid, base: oid, verdict: z.string() });
const mergeAsked = z.object({
  operation: z.literal('merge'),
  refUpdates: z.array(z.object({ ref: z.string(), old: oid, new: oid })).min(1),
});
const queueChecked = z.object({ head: oid, base: oid, verdict: z.string(), isApproved: z.boolean() });

type Take = (client: Queryable, event: AuditEvent, at: Date, evidence: Evidence) => Promise<void>;

/** What each action says. Entries of another version that have another form say nothing. */
const takes: Readonly<Record<string, Take>> = {
  'push.decided': takeDecision,
  'push.forwarded': async (client, { request, details }, at) => {
    const outcome = forwarded.safeParse(details).data;
    // Without refs all have landed. Names that were masked in the report cannot be told apart.
    const refused =
      outcome?.refs?.filter(({ status }) => status !== 'ok').map(({ ref }) => refKey(ref)) ?? [];
    await deleteForwards(client, request, refused);
    await closeForwards(client, request, 'landed', at);
  },
  'push.unknown': async (client, { request }, at) => closeForwards(client, request, 'unknown', at),
  'push.refused': async (client, { request }) => deletePush(client, request),
  'pull-request.checked': async (client, { request, repository, details }, at) => {
    const check = pullChecked.safeParse(details).data;
    if (check === undefined || repository === null) return;
    if (check.verdict !== 'allow') return;
    const { pullRequest, head } = check;
    await insertPassed(client, {
      request,
      repository: repository.toLowerCase(),
      subject: `pull/${pullRequest}`,
      head,
      base: check.base,
      state: 'passed',
      at,
    });
  },
  'merge-group.checked': async (client, { request, repository, details }, at) => {
    const group = queueChecked.safeParse(details).data;
    if (group === undefined || repository === null) return;
    if (group.verdict !== 'allow' && !(group.verdict === 'hold' && group.isApproved)) return;
    const { head, base } = group;
    const state = group.isApproved ? 'approved' : 'passed';
    await insertPassed(client, {
      request,
      repository: repository.toLowerCase(),
      subject: 'queue',
      head,
      base,
      state,
      at,
    });
  },
  'approval.requested': async (client, { request, repository, details }, at) => {
    const asked = mergeAsked.safeParse(details).data;
    const [head] = asked?.refUpdates ?? [];
    const number = /^refs\/(pull\/\d{1,9})\/head$/.exec(head?.ref ?? '')?.[1];
    if (head === undefined || number === undefined || repository === null) return;
    await insertPassed(client, {
      request,
      repository: repository.toLowerCase(),
      subject: number,
      head: head.new,
      base: head.old,
      state: 'waiting',
      at,
    });
  },
  'approval.approved': async (client, { request }) => passWaiting(client, request),
  'approval.glass-broken': async (client, { request }) => passWaiting(client, request),
};

/** The ledger over the database; nothing is read before `catchUp`. */
export function createLedger({ database, feed, forges, evidence }: LedgerOptions): Ledger {
  const isOurs = ({ event }: RecordedEvent): boolean =>
    event.repository !== null && forges.has(event.repository.slice(0, event.repository.indexOf('/')));

  async function readPage(): Promise<boolean> {
    return database.transaction(async (client) => {
      const next = await lockLedger(client, Math.max(0, (await feed.size()) - firstLook));
      const entries = await feed.read(next, pageSize);
      for (const entry of entries)
        if (isOurs(entry)) await takes[entry.event.action]?.(client, entry.event, entry.time, evidence);
      const last = entries.at(-1);
      if (last !== undefined) await moveLedger(client, last.index + 1);
      return entries.length === pageSize;
    });
  }

  async function readToEnd(): Promise<void> {
    while (await readPage());
  }

  // One reads at a time: each holds a connection while it asks for another.
  let running: Promise<void> | undefined;
  let following: Promise<void> | undefined;
  function catchUp(): Promise<void> {
    if (running === undefined) return (running = readToEnd().finally(() => (running = undefined)));
    // What became durable since is beyond the end that it sees.
    return (following ??= running
      .catch(() => undefined)
      .then(() => {
        following = undefined;
        return catchUp();
      }));
  }
  return { catchUp };
}
