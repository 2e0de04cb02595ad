// Users in SCIM: the directory names people, changes what it says of them and ends their access. A user that is deleted
// is a person whose access has ended and whom the directory does not name any more: the record goes on.
import type { FastifyInstance } from 'fastify';
import { GuardError } from '../../../core/errors.ts';
import { type Person, personIdOf } from '../../../core/person.ts';
import type { AuditLog, Clock } from '../../../core/services.ts';
import type { Database } from '../../db.ts';
import { type Directory, newScimId } from '../directory.ts';
import { personEvent, scimPrincipal } from '../events.ts';
import { countScimPeople, deleteAccounts, findByScimId, findPerson, insertPerson } from '../store.ts';
import { listScimPeople, updateNames } from '../store.ts';
import { listQuery, listResponse, pageOf, readFilter } from './list.ts';
import { keptOf, patchBody, patchUser, readValue } from './patch.ts';
import { showUser, userBody, type UserBody } from './user-resource.ts';

export interface ScimOptions {
  readonly database: Database;
  readonly clock: Clock;
  readonly audit: Pick<AuditLog, 'append'>;
  readonly directory: Directory;
  /** URL of `/scim/v2`. */
  readonly base: () => string;
}

type WithId = { readonly Params: { readonly id: string } };

/** Registers `/Users`. */
export function userRoutes(app: FastifyInstance, options: ScimOptions): void {
  const { database, clock, audit, directory, base } = options;

  async function find(id: string): Promise<Person> {
    const person = await findByScimId(database, id);
    if (person === undefined) throw new GuardError('person/unknown', 'there is no such user');
    return person;
  }

  async function create(body: UserBody): Promise<Person> {
    const names = keptOf(body);
    const id = personIdOf(names.userName);
    if (id === undefined)
      throw new GuardError(
        'input/invalid',
        'the userName has characters that the name of a person cannot have',
      );
    const before = await findPerson(database, id);
    if (before !== undefined && before.userName !== null)
      throw new GuardError('person/conflict', 'there is a user of this userName already');
    await demandFreeNames(names, undefined);
    if (before === undefined) {
      await audit.append(personEvent('person.created', scimPrincipal, { person: id, ...told(names) }));
      await insertPerson(database, { id, scimId: newScimId(), ...names }, clock.now());
    } else {
      await audit.append(personEvent('person.changed', scimPrincipal, { person: id, ...told(names) }));
      await updateNames(database, id, names, clock.now());
    }
    await applyActive(id, body.active ?? true);
    await directory.checkMembership([id], scimPrincipal);
    return demand(id);
  }

  async function change(person: Person, body: UserBody): Promise<Person> {
    const names = keptOf(body);
    const isSame =
      names.userName.toLowerCase() === person.userName &&
      names.externalId === person.externalId &&
      names.displayName === person.displayName &&
      names.email === person.email;
    // Access ends first: nothing about names may stand in its way.
    if (body.active === false) await applyActive(person.id, false);
    if (!isSame) {
      await demandFreeNames(names, person.id);
      await audit.append(personEvent('person.changed', scimPrincipal, { person: person.id, ...told(names) }));
      await updateNames(database, person.id, names, clock.now());
    }
    if (body.active === true) await applyActive(person.id, true);
    return demand(person.id);
  }

  async function applyActive(id: string, isActive: boolean): Promise<void> {
    if (isActive) await directory.reactivate(id, scimPrincipal);
    else await directory.deactivate(id, 'directory', scimPrincipal);
  }

  async function demandFreeNames(names: ReturnType<typeof keptOf>, own: string | undefined): Promise<void> {
    for (const filter of [{ userName: names.userName }, { externalId: names.externalId ?? undefined }]) {
      if (filter.userName === undefined && filter.externalId === undefined) continue;
      const [other] = await listScimPeople(database, filter, 0, 1);
      if (other !== undefined && other.id !== own)
        throw new GuardError('person/conflict', 'another user has this userName or externalId');
    }
  }

  async function demand(id: string): Promise<Person> {
    const person = await findPerson(database, id);
    if (person === undefined) throw new GuardError('person/unknown', 'there is no such user');
    return person;
  }

  app.get('/Users', async (request) => {
    const query = readValue(listQuery, request.query, 'the query');
    const page = pageOf(query);
    const filter = readFilter(query.filter, ['userName', 'externalId']);
    const by = filter === undefined ? {} : { [filter.name]: filter.value };
    const found = page.limit === 0 ? [] : await listScimPeople(database, by, page.offset, page.limit);
    return listResponse(
      found.map((person) => showUser(person, base())),
      await countScimPeople(database, by),
      page,
    );
  });

  app.post('/Users', async (request, reply) => {
    const person = await create(readValue(userBody, request.body, 'the user'));
    return reply
      .code(201)
      .header('location', `${base()}/Users/${person.scimId}`)
      .send(showUser(person, base()));
  });

  app.get<WithId>('/Users/:id', async ({ params }) => showUser(await find(params.id), base()));

  app.put<WithId>('/Users/:id', async (request) => {
    const person = await find(request.params.id);
    return showUser(await change(person, readValue(userBody, request.body, 'the user')), base());
  });

  app.patch<WithId>('/Users/:id', async (request) => {
    const person = await find(request.params.id);
    const { Operations } = readValue(patchBody, request.body, 'the change');
    const now: UserBody = {
      userName: person.userName ?? '',
      externalId: person.externalId,
      displayName: person.displayName,
      emails: person.email === null ? null : [{ value: person.email }],
    };
    return showUser(await change(person, patchUser(now, Operations)), base());
  });

  app.delete<WithId>('/Users/:id', async (request, reply) => {
    const { id, displayName, email } = await find(request.params.id);
    await directory.deactivate(id, 'directory', scimPrincipal);
    // Whoever is given this name later is not this person: no account of the old one opens it.
    await deleteAccounts(database, id);
    await updateNames(database, id, { userName: null, externalId: null, displayName, email }, clock.now());
    return reply.code(204).send();
  });
}

function told({ userName, externalId }: ReturnType<typeof keptOf>): Readonly<Record<string, string | null>> {
  return { userName, externalId };
}
