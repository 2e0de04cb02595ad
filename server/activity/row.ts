// How sessions and attempts stand in the database, and how rows are read.
import { z } from 'zod';
import { countNames, type Counts } from '../../core/activity/counts.ts';
import { factsSchema, outcomes } from '../../core/activity/attempt.ts';
import type { Queryable } from '../db.ts';

export const countsSchema: z.ZodType<Counts> = z.record(z.enum(countNames), z.number());

export const sessionSchema = z.object({
  id: z.string(),
  key: z.string(),
  actor: z.string(),
  kind: z.string(),
  issuer: z.string(),
  onBehalfOf: z.array(z.string()),
  credential: z.string(),
  proof: z.string(),
  owner: z.string().nullable(),
  firstIndex: z.number(),
  lastIndex: z.number(),
  startedAt: z.date(),
  activeAt: z.date(),
  entries: z.number(),
  waiting: z.number(),
  repositories: z.record(z.string(), countsSchema),
});

export const sessionColumns = `s.id, s.key, s.actor, s.kind, s.issuer, s.on_behalf_of as "onBehalfOf", s.credential, s.proof,
  s.owner, s.first_index::float8 as "firstIndex", s.last_index::float8 as "lastIndex", s.started_at as "startedAt",
  s.active_at as "activeAt", s.entries, s.waiting, s.repositories`;

export const attemptSchema = z.object({
  request: z.string(),
  session: z.string(),
  actor: z.string(),
  family: z.string(),
  repository: z.string().nullable(),
  firstIndex: z.number(),
  lastIndex: z.number(),
  at: z.date(),
  endedAt: z.date().nullable(),
  outcome: z.enum(outcomes),
  facts: factsSchema,
});

export const attemptColumns = `a.request, a.session, a.actor, a.family, a.repository, a.first_index::float8 as "firstIndex",
  a.last_index::float8 as "lastIndex", a.at, a.ended_at as "endedAt", a.outcome, a.facts`;

/** Runs a statement and reads its rows. */
export async function readRows<T>(
  client: Queryable,
  schema: z.ZodType<T>,
  sql: string,
  values: readonly unknown[] = [],
): Promise<readonly T[]> {
  return (await client.query(sql, values)).map((row) => schema.parse(row));
}
