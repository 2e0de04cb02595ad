// Finds alerts in the audit log. The cursor moves in the transaction that keeps what was found, so every entry counts
// once, whichever guard reads it and whenever one dies.
import { type Alert, signsOf } from '../../core/alert.ts';
import type { AuditFeed, RecordedEvent } from '../../core/services.ts';
import type { AlertSettings } from '../config.ts';
import type { Database, Queryable } from '../db.ts';
import {
  countDenials,
  ensureCursor,
  hasAlertSince,
  insertAlert,
  insertDenial,
  insertIssuer,
  lockCursor,
  moveCursor,
} from './store.ts';

export interface AlertWatch {
  /** Begins at the end of the log where there is no cursor yet. */
  begin(): Promise<void>;
  /** Reads on; true where there is more. */
  look(): Promise<boolean>;
  /** Counts a refusal that is told by other means, once for each key. */
  noteDenial(key: string, denial: Denial): Promise<void>;
}

export interface Denial {
  readonly actor: string;
  readonly repository: string | null;
  readonly request: string;
  readonly at: Date;
}

export interface AlertWatchOptions {
  readonly database: Database;
  readonly feed: AuditFeed;
  readonly settings: AlertSettings;
}

const pageSize = 200;
/** Nobody is alarmed by what is older, such as after a time without channels. */
const oldestMs = 86_400_000;
const mostKnown = 10_000;

function isFresh(time: Date): boolean {
  return Date.now() - time.getTime() < oldestMs;
}

/** The watch; nothing is read before `begin`. */
export function createAlertWatch({ database, feed, settings }: AlertWatchOptions): AlertWatch {
  const { count, within } = settings.repeatedDenials;
  // Pairs of agent and issuer that the database is known to hold.
  const known = new Set<string>();

  async function countDenial(client: Queryable, key: string, denial: Denial): Promise<void> {
    const { actor, at } = denial;
    if (!(await insertDenial(client, key, actor, at))) return;
    const since = new Date(at.getTime() - within * 1000);
    const denials = await countDenials(client, actor, since, at);
    // One alert for one row of refusals.
    if (denials < count || (await hasAlertSince(client, 'repeated-denials', actor, since))) return;
    await insertAlert(client, {
      ...denial,
      id: `repeated-denials-${key}`,
      kind: 'repeated-denials',
      details: { denials, withinSeconds: within },
    });
  }

  async function sight(
    client: Queryable,
    { index, time, event }: RecordedEvent,
    sighting: { readonly actor: string; readonly issuer: string },
  ): Promise<string | undefined> {
    const { actor, issuer } = sighting;
    const pair = JSON.stringify([actor, issuer]);
    if (known.has(pair)) return undefined;
    const { repository, request } = event;
    if ((await insertIssuer(client, actor, issuer, time)) === 'new' && isFresh(time)) {
      const alert: Alert = {
        id: `new-issuer-${index}`,
        kind: 'new-issuer',
        actor,
        repository,
        request,
        at: time,
        details: { issuer },
      };
      await insertAlert(client, alert);
    }
    return pair;
  }

  async function judge(client: Queryable, recorded: RecordedEvent): Promise<readonly string[]> {
    const { index, time, event } = recorded;
    const seen: string[] = [];
    for (const sign of signsOf(recorded)) {
      if (sign.kind === 'sighting') {
        const pair = await sight(client, recorded, sign);
        if (pair !== undefined) seen.push(pair);
      } else if (isFresh(time)) {
        if (sign.kind === 'alert') await insertAlert(client, sign.alert);
        else await countDenial(client, `entry-${index}`, { ...sign, request: event.request, at: time });
      }
    }
    return seen;
  }

  return {
    begin: async () => ensureCursor(database, await feed.size()),
    look: async () => {
      const seen: string[] = [];
      const more = await database.transaction(async (client) => {
        const next = await lockCursor(client);
        if (next === undefined) return false;
        const entries = await feed.read(next, pageSize);
        for (const entry of entries) seen.push(...(await judge(client, entry)));
        const last = entries.at(-1);
        if (last !== undefined) await moveCursor(client, last.index + 1);
        return entries.length === pageSize;
      });
      // Only what is committed is known.
      if (known.size > mostKnown) known.clear();
      for (const pair of seen) known.add(pair);
      return more;
    },
    noteDenial: (key, denial) => database.transaction((client) => countDenial(client, key, denial)),
  };
}
