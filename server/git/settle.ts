// What became of a push whose answer was lost: the upstream's refs are asked. An attempt is closed by what they show,
// never by a guess.
import type { AuditAction, AuditEvent, Json } from '../../core/audit-event.ts';
import type { AuditLog, OpenAttempt } from '../../core/services.ts';
import type { Advertisement } from './advertisement.ts';
import { settledEvent } from './push-audit.ts';

export interface ExpectedRef {
  readonly ref: string;
  readonly old: string;
  readonly new: string;
}

/** `landed`: every ref has its new value. `untouched`: every ref has its old one. `mixed`: anything else. */
export type RefsShow = 'landed' | 'untouched' | 'mixed';

/** Compares what a push wanted with what the upstream advertises. Pure. */
export function compareRefs(
  expected: readonly ExpectedRef[],
  advertised: Pick<Advertisement, 'refs'>,
): RefsShow {
  const now = new Map<string, string>(advertised.refs.map((ref) => [ref.name, ref.oid]));
  const is = (ref: string, oid: string): boolean => (/^0+$/.test(oid) ? !now.has(ref) : now.get(ref) === oid);
  // Without a ref to look at nothing is shown.
  if (expected.length === 0) return 'mixed';
  if (expected.every((update) => is(update.ref, update.new))) return 'landed';
  if (expected.every((update) => is(update.ref, update.old))) return 'untouched';
  return 'mixed';
}

const outcomes: Readonly<
  Record<
    RefsShow,
    {
      readonly action: Extract<AuditAction, `push.${'forwarded' | 'refused' | 'unknown'}`>;
      readonly note: string;
    }
  >
> = {
  landed: { action: 'push.forwarded', note: 'the upstream refs have the new values' },
  untouched: { action: 'push.refused', note: 'the upstream refs still have the old values' },
  mixed: { action: 'push.unknown', note: 'the upstream refs do not show what became of the push' },
};

/** The entry that closes an attempt by what the refs show. */
export function settledBy(attempt: AuditEvent, refsShow: RefsShow): AuditEvent | undefined {
  const { action, note } = outcomes[refsShow];
  return closing(attempt, action, note);
}

function closing(
  attempt: AuditEvent,
  action: 'push.forwarded' | 'push.refused' | 'push.unknown',
  note: string,
): AuditEvent | undefined {
  if (attempt.actor === null || attempt.repository === null) return undefined;
  return settledEvent(
    { request: attempt.request, actor: attempt.actor, repository: attempt.repository },
    action,
    note,
  );
}

/**
 * Closes the attempts that an earlier process left open. One that was never decided, or not allowed, touched nothing;
 * for the others `refsOf` asks the upstream, and where that fails the outcome is recorded as unknown.
 */
export async function settleAttempts(
  audit: AuditLog,
  attempts: readonly OpenAttempt[],
  refsOf: (repository: string) => Promise<Pick<Advertisement, 'refs'>>,
): Promise<number> {
  let settled = 0;
  for (const { last } of attempts) {
    if (!last.action.startsWith('push.')) continue;
    const event = await settlement(last, refsOf);
    if (event === undefined) continue;
    await audit.append(event);
    settled += 1;
  }
  return settled;
}

async function settlement(
  last: AuditEvent,
  refsOf: (repository: string) => Promise<Pick<Advertisement, 'refs'>>,
): Promise<AuditEvent | undefined> {
  const { verdict, approval } = last.details;
  const mayHaveLanded = last.action === 'push.decided' && (verdict === 'allow' || approval !== undefined);
  if (!mayHaveLanded) return closing(last, 'push.refused', 'the guard stopped before it forwarded anything');
  try {
    return settledBy(last, compareRefs(expectedRefs(last.details), await refsOf(last.repository ?? '')));
  } catch {
    return closing(
      last,
      'push.unknown',
      'the guard stopped while forwarding, and the upstream could not be asked',
    );
  }
}

/** What the push wanted; empty where the entry does not hold every ref by its very name. */
function expectedRefs(details: AuditEvent['details']): readonly ExpectedRef[] {
  const updates = details['refUpdates'];
  const expected = Array.isArray(updates) ? updates.flatMap((update: Json) => expectedRef(update)) : [];
  return expected.length === details['refUpdateCount'] ? expected : [];
}

function expectedRef(update: Json): readonly ExpectedRef[] {
  if (update === null || typeof update !== 'object' || !('ref' in update)) return [];
  const { ref, old, new: now, shown } = update;
  return shown === undefined && typeof ref === 'string' && typeof old === 'string' && typeof now === 'string'
    ? [{ ref, old, new: now }]
    : [];
}
