// The guard's directory of people: who they are, whether they may act, what their groups let them do. What ends somebody's
// access is recorded, then holds at once and everywhere, then takes what depends on the person with it.
import { createHash, randomBytes } from 'node:crypto';
import { GuardError } from '../../core/errors.ts';
import { type Ending, type Person, personIdOf, type ProvedAccount } from '../../core/person.ts';
import type { Principal } from '../../core/principal.ts';
import type { RoleRule } from '../../core/role.ts';
import type { Dependents, PeopleDirectory } from '../../core/people-services.ts';
import type { AuditLog, Clock } from '../../core/services.ts';
import type { Database } from '../db.ts';
import { personEvent } from './events.ts';
import { grantOfPerson, rolesOf } from './roles.ts';
import { accountOf, findByAccount, findPerson, insertAccount, insertPerson } from './store.ts';
import { insertRole, isRoleHeld, listPeople, noteSignIn, setActive } from './store.ts';

export interface DirectoryOptions {
  readonly database: Database;
  readonly clock: Clock;
  readonly audit: Pick<AuditLog, 'append'>;
  readonly roles: readonly RoleRule[];
  /** Groups of which everybody must have one; empty: none is asked for. */
  readonly memberGroups: readonly string[];
  readonly dependents: readonly Dependents[];
}

export interface Directory extends PeopleDirectory {
  /** Ends the access of those of these people who have none of the groups that everybody must have. */
  checkMembership(ids: readonly string[], by: Principal | null): Promise<void>;
}

const longestName = 200;
const mostGroups = 500;

/** The directory over the database. */
export function createDirectory(options: DirectoryOptions): Directory {
  const { database, clock, audit, roles, memberGroups, dependents } = options;

  const isMember = (groups: readonly string[]): boolean =>
    memberGroups.length === 0 || memberGroups.some((group) => groups.includes(group));

  async function demand(id: string): Promise<Person> {
    const person = await findPerson(database, id);
    if (person === undefined) throw new GuardError('person/unknown', 'there is no such person');
    return person;
  }

  async function deactivate(id: string, endedBy: Ending, by: Principal | null): Promise<void> {
    const person = await demand(id);
    if (person.active) {
      const stopped = await Promise.all(
        dependents.map(async (kind) => [kind.name, await kind.list(id)] as const),
      );
      await audit.append(
        personEvent('person.deactivated', by, { person: id, endedBy, stopped: Object.fromEntries(stopped) }),
      );
      await setActive(database, id, endedBy, clock.now());
    }
    // Nothing of it works from here on; this makes it last when the person comes back.
    for (const kind of dependents) await kind.stop(id, by ?? guardPrincipal);
  }

  async function reactivate(id: string, by: Principal | null): Promise<void> {
    const person = await demand(id);
    if (person.active) return;
    await audit.append(personEvent('person.reactivated', by, { person: id }));
    await setActive(database, id, null, clock.now());
  }

  async function meet(account: ProvedAccount, domains: readonly string[]): Promise<Person> {
    const known = await findByAccount(database, account.issuer, account.subject);
    if (known !== undefined) return known;
    const id = nameFor(account, domains);
    const namesake = await findPerson(database, id);
    if (namesake === undefined) {
      await audit.append(
        personEvent('person.created', null, {
          person: id,
          provider: account.provider,
          issuer: account.issuer,
          subject: account.subject,
        }),
      );
      const displayName = shownName(account, id);
      await insertPerson(
        database,
        { ...unnamed, id, scimId: newScimId(), displayName, email: account.email },
        clock.now(),
      );
    } else if ((await accountOf(database, id, account.issuer)) !== undefined) {
      throw new GuardError(
        'person/conflict',
        'the name of this account belongs to another account of its provider',
      );
    }
    await insertAccount(
      database,
      { issuer: account.issuer, subject: account.subject, person: id },
      clock.now(),
    );
    return demand(id);
  }

  return {
    find: (id) => findPerson(database, id),
    list: (after, limit) => listPeople(database, after, limit),
    rolesOf: (person) => rolesOf(person, roles),
    grantOf: (person, presence) => grantOfPerson(person, rolesOf(person, roles), presence),
    signIn: async (account, domains) => {
      const { id } = await meet(account, domains);
      const groups = [...new Set(account.groups)]
        .filter((group) => group !== '' && group.length <= longestName)
        .slice(0, mostGroups)
        .map((group) => group.toWellFormed().replaceAll('\0', ''));
      await noteSignIn(
        database,
        id,
        { displayName: shownName(account, id), email: account.email, groups },
        clock.now(),
      );
      const person = await demand(id);
      if (!isMember(person.groups)) {
        if (person.active) await deactivate(id, 'groups', null);
        throw new GuardError('person/ended', 'your groups do not let you use this guard');
      }
      if (person.active) return person;
      if (person.endedBy !== 'groups')
        throw new GuardError('person/ended', 'your access to this guard has been ended');
      await reactivate(id, null);
      return demand(id);
    },
    deactivate,
    reactivate,
    checkMembership: async (ids, by) => {
      for (const id of ids) {
        const person = await findPerson(database, id);
        if (person?.active === true && !isMember(person.groups)) await deactivate(id, 'groups', by);
        if (person?.endedBy === 'groups' && isMember(person.groups)) await reactivate(id, by);
      }
    },
    grantRole: async (id, role, why) => {
      await audit.append(personEvent('person.role-granted', null, { person: id, role, why }));
      await insertRole(database, id, role, clock.now());
    },
    isRoleHeld: (role) =>
      isRoleHeld(
        database,
        role,
        roles.filter((rule) => rule.role === role).flatMap(({ groups }) => groups),
      ),
  };
}

const unnamed = { userName: null, externalId: null };

/** The guard itself, where a rule of its own ends somebody's access. */
const guardPrincipal: Principal = {
  kind: 'workload',
  id: 'workload:guard',
  issuer: 'guard',
  subject: 'guard',
  groups: [],
  onBehalfOf: [],
  session: 'guard',
  proof: 'guard-token',
};

/** An id for SCIM, which means nothing. */
export function newScimId(): string {
  return randomBytes(12).toString('hex');
}

/** The address where the provider speaks for its domain; else the provider's name and the subject. */
function nameFor({ provider, subject, email }: ProvedAccount, domains: readonly string[]): string {
  const domain = email?.slice(email.lastIndexOf('@') + 1).toLowerCase() ?? '';
  const byAddress = email !== null && domains.includes(domain) ? personIdOf(email) : undefined;
  // Subjects are told apart by case, ids are not.
  const isPlain = /^[a-z0-9._@+-]{1,120}$/.test(subject);
  const own = isPlain ? subject : createHash('sha256').update(subject).digest('hex').slice(0, 32);
  return byAddress ?? `human:${provider}/${own}`;
}

function shownName({ displayName, email }: ProvedAccount, id: string): string {
  const name = (displayName ?? email ?? id.slice('human:'.length)).toWellFormed().replaceAll('\0', '');
  return name.trim().slice(0, longestName) || id;
}
