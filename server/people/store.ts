// The SQL of people and their accounts, one statement a function.
import { z } from 'zod';
import { endings, type Ending, type Person } from '../../core/person.ts';
import { roles, type Role } from '../../core/role.ts';
import type { Queryable } from '../db.ts';

const rowSchema: z.ZodType<Person> = z.object({
  id: z.string(),
  scimId: z.string(),
  userName: z.string().nullable(),
  externalId: z.string().nullable(),
  displayName: z.string(),
  email: z.string().nullable(),
  groups: z.array(z.string()),
  ownRoles: z.array(z.enum(roles)),
  active: z.boolean(),
  endedBy: z.enum(endings).nullable(),
  createdAt: z.date(),
  changedAt: z.date(),
  lastSeen: z.date().nullable(),
});

const columns = `person.id, person.scim_id as "scimId", person.user_name as "userName",
  person.external_id as "externalId", person.display_name as "displayName", person.email, person.active,
  person.ended_by as "endedBy", person.created_at as "createdAt", person.changed_at as "changedAt",
  person.last_seen as "lastSeen",
  array(select name from person_group where person_group.person = person.id order by 1) as groups,
  array(select role from person_role where person_role.person = person.id order by 1) as "ownRoles"`;

async function readPeople(
  database: Queryable,
  rest: string,
  values: readonly unknown[],
): Promise<readonly Person[]> {
  const rows = await database.query(`select ${columns} from person ${rest}`, values);
  return rows.map((row) => rowSchema.parse(row));
}

/** The person with this principal id. */
export async function findPerson(database: Queryable, id: string): Promise<Person | undefined> {
  return (await readPeople(database, 'where person.id = $1', [id]))[0];
}

/** The person with this id in SCIM, among those whom the directory has named. */
export async function findByScimId(database: Queryable, scimId: string): Promise<Person | undefined> {
  return (await readPeople(database, 'where person.scim_id = $1 and user_name is not null', [scimId]))[0];
}

/** Whose account it is. */
export async function findByAccount(
  database: Queryable,
  issuer: string,
  subject: string,
): Promise<Person | undefined> {
  const rest = `join person_account account on account.person = person.id where account.issuer = $1 and subject = $2`;
  return (await readPeople(database, rest, [issuer, subject]))[0];
}

/** What SCIM may ask for. */
export interface ScimFilter {
  /** Compared without case. */
  readonly userName?: string | undefined;
  readonly externalId?: string | undefined;
}

const scimWhere = `where user_name is not null and ($1::text is null or user_name = lower($1))
  and ($2::text is null or external_id = $2)`;

/** A page of those whom the directory has named, by name. */
export function listScimPeople(
  database: Queryable,
  { userName, externalId }: ScimFilter,
  offset: number,
  limit: number,
): Promise<readonly Person[]> {
  return readPeople(database, `${scimWhere} order by user_name offset $3 limit $4`, [
    userName ?? null,
    externalId ?? null,
    offset,
    limit,
  ]);
}

/** How many there are. */
export async function countScimPeople(
  database: Queryable,
  { userName, externalId }: ScimFilter,
): Promise<number> {
  const [row] = await database.query<{ count: number }>(
    `select count(*)::integer as count from person ${scimWhere}`,
    [userName ?? null, externalId ?? null],
  );
  return row?.count ?? 0;
}

/** People by id, after this one. */
export function listPeople(database: Queryable, after: string, limit: number): Promise<readonly Person[]> {
  return readPeople(database, 'where person.id > $1 order by person.id limit $2', [after, limit]);
}

/** Those of the ids, in lower case, that name a person who may not act any more. */
export async function listEnded(database: Queryable, ids: readonly string[]): Promise<readonly string[]> {
  const rows = await database.query<{ id: string }>(
    'select id from person where not active and id = any($1::text[])',
    [[...ids]],
  );
  return rows.map(({ id }) => id);
}

/** What is known of a person when it is first met. */
export interface NewPerson {
  readonly id: string;
  readonly scimId: string;
  readonly userName: string | null;
  readonly externalId: string | null;
  readonly displayName: string;
  readonly email: string | null;
}

/** False where there is one already. */
export async function insertPerson(database: Queryable, person: NewPerson, at: Date): Promise<boolean> {
  const { id, scimId, userName, externalId, displayName, email } = person;
  const rows = await database.query(
    `insert into person (id, scim_id, user_name, external_id, display_name, email, created_at, changed_at)
     values ($1, $2, lower($3), $4, $5, $6, $7, $7) on conflict do nothing returning id`,
    [id, scimId, userName, externalId, displayName, email, at],
  );
  return rows.length > 0;
}

/** What a directory says of a person. */
export type DirectoryNames = Pick<NewPerson, 'userName' | 'externalId' | 'displayName' | 'email'>;

/** Keeps what the directory says. */
export async function updateNames(
  database: Queryable,
  id: string,
  { userName, externalId, displayName, email }: DirectoryNames,
  at: Date,
): Promise<void> {
  await database.query(
    `update person set user_name = lower($2), external_id = $3, display_name = $4, email = $5, changed_at = $6
     where id = $1`,
    [id, userName, externalId, displayName, email, at],
  );
}

/** Keeps what the provider has said at a sign-in. */
export async function noteSignIn(
  database: Queryable,
  id: string,
  said: { readonly displayName: string; readonly email: string | null; readonly groups: readonly string[] },
  at: Date,
): Promise<void> {
  await database.query(
    `update person set display_name = $2, email = coalesce($3, email), login_groups = $4, last_seen = $5 where id = $1`,
    [id, said.displayName, said.email, said.groups, at],
  );
}

/** Says that an account is a person's. */
export async function insertAccount(
  database: Queryable,
  account: { readonly issuer: string; readonly subject: string; readonly person: string },
  at: Date,
): Promise<void> {
  await database.query(
    `insert into person_account (issuer, subject, person, created_at) values ($1, $2, $3, $4)
     on conflict (issuer, subject) do nothing`,
    [account.issuer, account.subject, account.person, at],
  );
}

/** The subjects by which a person is known to an issuer; one at most. */
export async function accountOf(
  database: Queryable,
  person: string,
  issuer: string,
): Promise<string | undefined> {
  const [row] = await database.query<{ subject: string }>(
    'select subject from person_account where person = $1 and issuer = $2',
    [person, issuer],
  );
  return row?.subject;
}

/** Lets go of the accounts of a person: whoever gets its name next starts anew. */
export async function deleteAccounts(database: Queryable, person: string): Promise<void> {
  await database.query('delete from person_account where person = $1', [person]);
}

/** Ends or restores the access of a person: false where it is so already. */
export async function setActive(
  database: Queryable,
  id: string,
  endedBy: Ending | null,
  at: Date,
): Promise<boolean> {
  const rows = await database.query(
    `update person set active = $2::text is null, ended_by = $2, changed_at = $3
     where id = $1 and active <> ($2::text is null) returning id`,
    [id, endedBy, at],
  );
  return rows.length > 0;
}

/** Gives a role; a second time changes nothing. */
export async function insertRole(database: Queryable, person: string, role: Role, at: Date): Promise<void> {
  await database.query(
    'insert into person_role (person, role, granted_at) values ($1, $2, $3) on conflict do nothing',
    [person, role, at],
  );
}

/** True where somebody who may act has the role by itself or is in one of the groups. */
export async function isRoleHeld(
  database: Queryable,
  role: Role,
  groups: readonly string[],
): Promise<boolean> {
  const rows = await database.query(
    `select 1 from person where active and (
       exists (select from person_role where person_role.person = person.id and role = $1)
       or exists (select from person_group where person_group.person = person.id and name = any($2::text[])))
     limit 1`,
    [role, groups],
  );
  return rows.length > 0;
}
