// Groups in SCIM: who is in which group, as the directory says. What a group lets people do is in the configuration; who
// loses the last of the groups that everybody must have is offboarded.
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { GuardError } from '../../../core/errors.ts';
import { newScimId } from '../directory.ts';
import { personEvent, scimPrincipal } from '../events.ts';
import { addMembers, countGroups, deleteGroup, findGroup, type Group } from './group-store.ts';
import { listGroups, putGroup, removeMembers } from './group-store.ts';
import { listQuery, listResponse, pageOf, readFilter } from './list.ts';
import { changesOf, type Operation, patchBody, readValue } from './patch.ts';
import type { ScimOptions } from './users.ts';

export const groupSchemaId = 'urn:ietf:params:scim:schemas:core:2.0:Group';

const mostMembers = 50_000;
const members = z.array(z.looseObject({ value: z.string().min(1).max(100) })).max(mostMembers);
const displayName = z.string().min(1).max(200);
const groupBody = z.looseObject({
  displayName,
  externalId: z.string().min(1).max(200).nullish(),
  members: members.nullish(),
});

interface Wanted {
  readonly displayName: string;
  readonly externalId: string | null;
  /** Ids in SCIM. */
  readonly members: ReadonlySet<string>;
}

type WithId = { readonly Params: { readonly id: string } };

/** Registers `/Groups`. */
export function groupRoutes(app: FastifyInstance, options: ScimOptions): void {
  const { database, clock, audit, directory, base } = options;

  async function find(id: string): Promise<Group> {
    const group = await findGroup(database, id);
    if (group === undefined) throw new GuardError('person/unknown', 'there is no such group');
    return group;
  }

  /** Brings the group into the wanted form, recorded first; then everybody who was in it or is, is looked at. */
  async function put(id: string, before: Group | undefined, wanted: Wanted): Promise<Group> {
    const old = new Map(before?.members.map((member) => [member.scimId, member.person]) ?? []);
    const added = [...wanted.members].filter((member) => !old.has(member));
    const removed = [...old.keys()].filter((member) => !wanted.members.has(member));
    await audit.append(
      personEvent('group.changed', scimPrincipal, {
        group: wanted.displayName,
        before: before?.displayName ?? null,
        added: added.length,
        removed: removed.map((member) => old.get(member) ?? member),
      }),
    );
    const isKept = await database.transaction(async (client) => {
      if (!(await putGroup(client, { id, ...wanted }, clock.now()))) return false;
      await removeMembers(client, id, removed);
      await addMembers(client, id, added);
      return true;
    });
    if (!isKept) throw new GuardError('person/conflict', 'there is a group of this name already');
    const after = await find(id);
    await directory.checkMembership(
      [...new Set([...old.values(), ...after.members.map(({ person }) => person)])],
      scimPrincipal,
    );
    return after;
  }

  app.get('/Groups', async (request) => {
    const query = readValue(listQuery, request.query, 'the query');
    const page = pageOf(query);
    const name = readFilter(query.filter, ['displayName'])?.value ?? null;
    const found = page.limit === 0 ? [] : await listGroups(database, name, page.offset, page.limit);
    return listResponse(
      found.map((group) => showGroup(group, base())),
      await countGroups(database, name),
      page,
    );
  });

  app.post('/Groups', async (request, reply) => {
    const group = await put(
      newScimId(),
      undefined,
      wantedOf(readValue(groupBody, request.body, 'the group')),
    );
    return reply.code(201).header('location', `${base()}/Groups/${group.id}`).send(showGroup(group, base()));
  });

  app.get<WithId>('/Groups/:id', async ({ params }) => showGroup(await find(params.id), base()));

  app.put<WithId>('/Groups/:id', async (request) => {
    const before = await find(request.params.id);
    const wanted = wantedOf(readValue(groupBody, request.body, 'the group'));
    return showGroup(await put(before.id, before, wanted), base());
  });

  app.patch<WithId>('/Groups/:id', async (request) => {
    const before = await find(request.params.id);
    const { Operations } = readValue(patchBody, request.body, 'the change');
    return showGroup(await put(before.id, before, patchGroup(before, Operations)), base());
  });

  app.delete<WithId>('/Groups/:id', async (request, reply) => {
    const before = await find(request.params.id);
    const left = before.members.map(({ person }) => person);
    await audit.append(
      personEvent('group.changed', scimPrincipal, {
        group: null,
        before: before.displayName,
        added: 0,
        removed: left,
      }),
    );
    await deleteGroup(database, before.id);
    await directory.checkMembership(left, scimPrincipal);
    return reply.code(204).send();
  });
}

function wantedOf(body: z.output<typeof groupBody>): Wanted {
  return {
    displayName: body.displayName,
    externalId: body.externalId ?? null,
    members: new Set(body.members?.map(({ value }) => value) ?? []),
  };
}

/** The group after the operations. Throws `input/invalid`. */
function patchGroup(group: Group, operations: readonly Operation[]): Wanted {
  const inside = new Set(group.members.map(({ scimId }) => scimId));
  let wanted: Wanted = { displayName: group.displayName, externalId: group.externalId, members: inside };
  for (const { op, path, value } of operations.flatMap(changesOf)) {
    const one = /^members\[\s*value\s+eq\s+"([^"\\]{1,100})"\s*\]$/i.exec(path)?.[1];
    if (one !== undefined && op === 'remove') {
      inside.delete(one);
    } else if (path.toLowerCase() === 'members') {
      const named = value === undefined || value === null ? [] : readValue(members, value, path);
      if (op === 'replace' || (op === 'remove' && named.length === 0)) inside.clear();
      for (const member of named) {
        if (op === 'remove') inside.delete(member.value);
        else inside.add(member.value);
      }
    } else if (path.toLowerCase() === 'displayname' && op !== 'remove') {
      wanted = { ...wanted, displayName: readValue(displayName, value, path) };
    }
  }
  if (inside.size > mostMembers)
    throw new GuardError('input/invalid', `a group has at most ${mostMembers} members`);
  return wanted;
}

function showGroup(group: Group, base: string): object {
  return {
    schemas: [groupSchemaId],
    id: group.id,
    ...(group.externalId === null ? {} : { externalId: group.externalId }),
    displayName: group.displayName,
    members: group.members.map(({ scimId, display }) => ({
      value: scimId,
      display,
      $ref: `${base}/Users/${scimId}`,
    })),
    meta: {
      resourceType: 'Group',
      created: group.createdAt.toISOString(),
      lastModified: group.changedAt.toISOString(),
      location: `${base}/Groups/${group.id}`,
    },
  };
}
