// The SQL of the directory's groups, one statement a function.
import { z } from 'zod';
import type { Queryable } from '../../db.ts';

export interface Group {
  readonly id: string;
  readonly displayName: string;
  readonly externalId: string | null;
  readonly createdAt: Date;
  readonly changedAt: Date;
  readonly members: readonly { readonly scimId: string; readonly person: string; readonly display: string }[];
}

const rowSchema: z.ZodType<Group> = z.object({
  id: z.string(),
  displayName: z.string(),
  externalId: z.string().nullable(),
  createdAt: z.date(),
  changedAt: z.date(),
  members: z.array(z.object({ scimId: z.string(), person: z.string(), display: z.string() })),
});

const columns = `id, display_name as "displayName", external_id as "externalId", created_at as "createdAt",
  changed_at as "changedAt",
  coalesce((select jsonb_agg(jsonb_build_object('scimId', scim_id, 'person', person.id, 'display', person.display_name)
                             order by person.id)
            from directory_member join person on person.id = directory_member.person
            where directory_group = directory_group.id), '[]') as members`;

async function readGroups(
  database: Queryable,
  rest: string,
  values: readonly unknown[],
): Promise<readonly Group[]> {
  const rows = await database.query(`select ${columns} from directory_group ${rest}`, values);
  return rows.map((row) => rowSchema.parse(row));
}

/** The group with this id. */
export async function findGroup(database: Queryable, id: string): Promise<Group | undefined> {
  return (await readGroups(database, 'where id = $1', [id]))[0];
}

const groupWhere = 'where ($1::text is null or lower(display_name) = lower($1))';

/** A page of groups by name. */
export function listGroups(
  database: Queryable,
  displayName: string | null,
  offset: number,
  limit: number,
): Promise<readonly Group[]> {
  return readGroups(database, `${groupWhere} order by display_name offset $2 limit $3`, [
    displayName,
    offset,
    limit,
  ]);
}

/** How many there are. */
export async function countGroups(database: Queryable, displayName: string | null): Promise<number> {
  const [row] = await database.query<{ count: number }>(
    `select count(*)::integer as count from directory_group ${groupWhere}`,
    [displayName],
  );
  return row?.count ?? 0;
}

/** Keeps a group; one of the same id is changed. False where another group has the name. */
export async function putGroup(
  database: Queryable,
  group: Pick<Group, 'id' | 'displayName' | 'externalId'>,
  at: Date,
): Promise<boolean> {
  const rows = await database.query(
    `insert into directory_group (id, display_name, external_id, created_at, changed_at)
     select $1, $2, $3, $4, $4 where not exists (select from directory_group where display_name = $2 and id <> $1)
     on conflict (id) do update set display_name = $2, external_id = $3, changed_at = $4 returning id`,
    [group.id, group.displayName, group.externalId, at],
  );
  return rows.length > 0;
}

/** Adds people by their ids in SCIM; those whom the directory has not named are left out. Returns who is new. */
export async function addMembers(
  database: Queryable,
  id: string,
  scimIds: readonly string[],
): Promise<readonly string[]> {
  const rows = await database.query<{ person: string }>(
    `insert into directory_member (directory_group, person)
     select $1, person.id from person where scim_id = any($2::text[]) and user_name is not null
     on conflict do nothing returning person`,
    [id, [...scimIds]],
  );
  return rows.map(({ person }) => person);
}

/** Takes people out; returns who was in. */
export async function removeMembers(
  database: Queryable,
  id: string,
  scimIds: readonly string[],
): Promise<readonly string[]> {
  const rows = await database.query<{ person: string }>(
    `delete from directory_member using person
     where directory_group = $1 and person.id = directory_member.person and scim_id = any($2::text[])
     returning directory_member.person`,
    [id, [...scimIds]],
  );
  return rows.map(({ person }) => person);
}

/** Deletes a group. */
export async function deleteGroup(database: Queryable, id: string): Promise<void> {
  await database.query('delete from directory_group where id = $1', [id]);
}
