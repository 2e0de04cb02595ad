// The SQL of web sessions, one statement a function. A session counts only while its person may act: who was offboarded
// has none, whatever stands in the rows.
import { z } from 'zod';
import type { Queryable } from '../db.ts';

export interface SessionRecord {
  readonly id: string;
  readonly person: string;
  /** Name of the provider that vouched for the person. */
  readonly provider: string;
  readonly issuer: string;
  readonly subject: string;
  readonly amr: readonly string[];
  readonly acr: string | null;
  readonly address: string;
  readonly userAgent: string;
  readonly createdAt: Date;
  readonly seenAt: Date;
  readonly expiresAt: Date;
}

const rowSchema: z.ZodType<SessionRecord> = z.object({
  id: z.string(),
  person: z.string(),
  provider: z.string(),
  issuer: z.string(),
  subject: z.string(),
  amr: z.array(z.string()),
  acr: z.string().nullable(),
  address: z.string(),
  userAgent: z.string(),
  createdAt: z.date(),
  seenAt: z.date(),
  expiresAt: z.date(),
});

const columns = `web_session.id, person, provider, issuer, subject, amr, acr, address, user_agent as "userAgent",
  web_session.created_at as "createdAt", seen_at as "seenAt", expires_at as "expiresAt"`;

/** What is true of a session that counts: `$1` is the time, `$2` the idle limit in seconds. */
const isOpen = `ended_at is null and expires_at > $1 and seen_at > $1::timestamptz - make_interval(secs => $2) and active`;

async function readSessions(
  database: Queryable,
  where: string,
  values: readonly unknown[],
): Promise<readonly SessionRecord[]> {
  const rows = await database.query(
    `select ${columns} from web_session join person on person.id = web_session.person where ${isOpen} and ${where}`,
    values,
  );
  return rows.map((row) => rowSchema.parse(row));
}

/** The session whose cookie has this hash, while it counts. `idle` in seconds. */
export async function findSession(
  database: Queryable,
  hash: Uint8Array,
  now: Date,
  idle: number,
): Promise<SessionRecord | undefined> {
  return (await readSessions(database, 'hash = $3', [now, idle, hash]))[0];
}

/** The person's sessions that count, newest first. */
export function listSessions(
  database: Queryable,
  person: string,
  now: Date,
  idle: number,
): Promise<readonly SessionRecord[]> {
  return readSessions(database, 'web_session.person = $3 order by web_session.created_at desc limit 200', [
    now,
    idle,
    person,
  ]);
}

/** Keeps a new session by the hash of its cookie. */
export async function insertSession(
  database: Queryable,
  session: SessionRecord,
  hash: Uint8Array,
): Promise<void> {
  await database.query(
    `insert into web_session (id, hash, person, provider, issuer, subject, amr, acr, address, user_agent, created_at,
       seen_at, expires_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
    [
      session.id,
      hash,
      session.person,
      session.provider,
      session.issuer,
      session.subject,
      session.amr,
      session.acr,
      session.address,
      session.userAgent,
      session.createdAt,
      session.seenAt,
      session.expiresAt,
    ],
  );
}

/** Notes that the session was used; never moves back. */
export async function noteSeen(database: Queryable, id: string, at: Date): Promise<void> {
  await database.query('update web_session set seen_at = greatest(seen_at, $2) where id = $1', [id, at]);
}

/** Ends a session of the person; false where there is none that is open. */
export async function endSession(
  database: Queryable,
  id: string,
  person: string,
  at: Date,
): Promise<boolean> {
  const rows = await database.query(
    'update web_session set ended_at = $3 where id = $1 and person = $2 and ended_at is null returning id',
    [id, person, at],
  );
  return rows.length > 0;
}

/** Ends all sessions of the person. */
export async function endSessions(database: Queryable, person: string, at: Date): Promise<void> {
  await database.query('update web_session set ended_at = $2 where person = $1 and ended_at is null', [
    person,
    at,
  ]);
}
