// Guarded repositories that the App does not reach any more, and those that it reaches again: whoever can take one out of
// its sight would otherwise switch the watch off in silence. Each time is told once; what GitHub says later about why goes
// to the posture. What happened meanwhile is found by comparing refs.
import type { AuditAction, AuditEvent } from '../../core/audit-event.ts';
import { type Hub, type HubServices, repositoryId } from '../hub.ts';
import { oneLine } from '../markdown.ts';
import { upsertWork } from '../store.ts';
import type { GithubAccount } from './sight-note.ts';
import { endUnseen, findUnseen, type UnseenRepository, writeReason } from './sight-store.ts';

/**
 * Tells what the list has shown. After a crash in between an entry may stand twice, of one request, and its alert is told once.
 * Rejects with `audit/unavailable`: it is told when the list is read again.
 */
export async function tellSight(
  services: Pick<HubServices, 'database' | 'audit' | 'wakeUp'>,
  hub: Pick<Hub, 'forge'>,
): Promise<void> {
  const { database, audit, wakeUp } = services;
  const { forge } = hub;
  const append = (action: AuditAction, one: UnseenRepository, details: AuditEvent['details']) =>
    audit.append({
      action,
      request: one.request,
      actor: null,
      repository: repositoryId(hub, one.name),
      details: { id: one.id, ...details },
    });
  for (const one of await findUnseen(database, forge)) {
    const { repository, since, seenAt, isBack } = one;
    const reason = one.notedReason ?? one.reason ?? 'unlisted';
    const by = one.notedReason === null ? one.by : one.notedBy;
    if (one.reason === null)
      await append('repository.unwatched', one, {
        cause: reason,
        ...whoOf(by),
        lastSeen: seenAt.toISOString(),
      });
    if (one.reason !== reason || one.by?.id !== by?.id)
      await writeReason(database, forge, repository, reason, by);
    if (!isBack) continue;
    await append('repository.watched', one, { cause: reason, ...whoOf(by), since: since.toISOString() });
    const compare = { forge, repository, kind: 'compare', subject: 'refs', data: {} } as const;
    const work = await database.transaction(async (client) => {
      await endUnseen(client, forge, repository);
      return upsertWork(client, compare);
    });
    wakeUp([work]);
  }
}

function whoOf(by: GithubAccount | null): AuditEvent['details'] {
  return by === null
    ? { by: null, account: null }
    : { by: oneLine(by.login), account: { id: by.id, type: by.type } };
}
