// Who may still act, in front of everything that proves an identity: a credential of a person who was offboarded, or of
// an agent that acts for such a person or that it answers for, proves nothing any more. Trusts the database.
import type { Approval } from '../../core/approval.ts';
import { involvedIn } from '../../core/approval/judge.ts';
import { GuardError } from '../../core/errors.ts';
import { refuseIdentity } from '../../core/identity-refusal.ts';
import type { Grant } from '../../core/principal.ts';
import type { PeopleStanding } from '../../core/people-services.ts';
import type { ApprovalApplier, CredentialCheck, IdentityService } from '../../core/services.ts';
import type { Queryable } from '../db.ts';
import { listEnded } from './store.ts';

/** What was asked is believed for this long, in ms; offboarding works within a second, with what else is kept. */
const believedMs = 500;
const mostRemembered = 10_000;

/** Asks the database each time. */
export function createStanding(database: Queryable): PeopleStanding {
  return {
    ended: (ids) =>
      ids.length === 0
        ? Promise.resolve([])
        : listEnded(database, [...new Set(ids.map((id) => id.trim().toLowerCase()))]),
  };
}

/** Everybody whose access the grant rests on. */
function peopleBehind({ principal, owner }: Pick<Grant, 'principal' | 'owner'>): readonly string[] {
  return [principal.id, ...principal.onBehalfOf, ...(owner === null ? [] : [owner])];
}

/** The same service, which refuses whoever stands for people who were offboarded. */
export function demandStanding(identity: IdentityService, standing: PeopleStanding): IdentityService {
  const known = new Map<string, { readonly until: number; readonly answer: Promise<readonly string[]> }>();

  function ended(ids: readonly string[]): Promise<readonly string[]> {
    const key = ids.join('\n');
    const now = performance.now();
    const before = known.get(key);
    if (before !== undefined && now < before.until) return before.answer;
    if (known.size >= mostRemembered) known.clear();
    const answer = standing.ended(ids);
    // What failed is asked again.
    answer.catch(() => known.delete(key));
    known.set(key, { until: now + believedMs, answer });
    return answer;
  }

  return {
    authenticate: async (presented) => {
      const grant = await identity.authenticate(presented);
      const people = peopleBehind(grant).filter((id) => id.startsWith('human:'));
      if (people.length > 0 && (await ended(people)).length > 0)
        throw refuseIdentity('offboarded', grant.principal.session);
      return grant;
    },
  };
}

/** The same check of a credential, which also refuses whoever stands for people who were offboarded meanwhile. */
export function confirmWithStanding(confirm: CredentialCheck, standing: PeopleStanding): CredentialCheck {
  return async (accepted) => {
    await confirm(accepted);
    const { principal, owner } = accepted;
    const people = peopleBehind({ principal, owner }).filter((id) => id.startsWith('human:'));
    if (people.length > 0 && (await standing.ended(people)).length > 0)
      throw new GuardError('identity/revoked', 'a person for whom this was done may not act any more');
  };
}

/** The same applier, which applies nothing for agents of people who were offboarded. */
export function applyWithStanding(applier: ApprovalApplier, standing: PeopleStanding): ApprovalApplier {
  return {
    ...applier,
    apply: async (approval, signal) => {
      const ended = await endedBehind(approval, standing);
      if (ended.length > 0)
        return { kind: 'stale', note: `${ended.join(', ')} may not act any more, nor anybody for them.` };
      return applier.apply(approval, signal);
    },
  };
}

function endedBehind(approval: Approval, standing: PeopleStanding): Promise<readonly string[]> {
  return standing.ended([...involvedIn(approval)].filter((id) => id.startsWith('human:')));
}
