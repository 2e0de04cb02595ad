// The SQL of pushes that the guard did not forward, one statement a function.
import { z } from 'zod';
import type { Queryable } from '../../server/db.ts';

export const pushStages = ['found', 'recorded', 'scanned', 'told'] as const;

/** `differing-merge`: the merge of a pull request that passed, with something that the policy would not have let pass. */
export type BypassKind = 'push' | 'unchecked-merge' | 'differing-merge';

export interface PushKey {
  readonly forge: string;
  /** In any spelling. */
  readonly repository: string;
  readonly turn: string;
}

export interface NewPush extends PushKey {
  /** Null where a comparison found it. */
  readonly delivery: string | null;
  readonly refKey: string;
  readonly before: string;
  readonly after: string;
  /** A `BypassKind`, or why it is none. */
  readonly how: string;
  /** Number of the pull request; null where it is about none. */
  readonly pull: number | null;
  readonly stage: (typeof pushStages)[number];
  readonly request: string;
}

const pushRow = z.object({
  how: z.string(),
  pull: z.int().nullable(),
  stage: z.enum(pushStages),
  request: z.string(),
  at: z.date(),
});
export type KnownPush = z.output<typeof pushRow>;

/** What is known of a push; undefined where it is new. */
export async function readPush(client: Queryable, key: PushKey): Promise<KnownPush | undefined> {
  const [row] = await client.query(
    'select how, pull, stage, request, at from github_push where forge = $1 and repository = $2 and turn = $3',
    [key.forge, key.repository.toLowerCase(), key.turn],
  );
  return row === undefined ? undefined : pushRow.parse(row);
}

/** Remembers a push; one that is there is left as it is. */
export async function insertPush(client: Queryable, push: NewPush): Promise<void> {
  await client.query(
    `insert into github_push
       (forge, repository, turn, delivery, ref_key, before, after, how, pull, stage, request, is_compared)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $4::text is null) on conflict do nothing`,
    [
      push.forge,
      push.repository.toLowerCase(),
      push.turn,
      push.delivery,
      push.refKey,
      push.before,
      push.after,
      push.how,
      push.pull,
      push.stage,
      push.request,
    ],
  );
}

/** Gives a push that a comparison had found the webhook that came later; false where there is none such. */
export async function claimCompared(
  client: Queryable,
  push: Pick<NewPush, 'forge' | 'repository' | 'refKey' | 'before' | 'after'>,
  delivery: string,
): Promise<boolean> {
  const rows = await client.query(
    `update github_push set delivery = $6
      where (forge, repository, turn) in (select forge, repository, turn from github_push
              where forge = $1 and repository = $2 and ref_key = $3 and before = $4 and after = $5
                and delivery is null limit 1)
      returning turn`,
    [push.forge, push.repository.toLowerCase(), push.refKey, push.before, push.after, delivery],
  );
  return rows.length > 0;
}

/** Moves a push on. */
export async function stagePush(
  client: Queryable,
  key: PushKey,
  stage: (typeof pushStages)[number],
): Promise<void> {
  await client.query('update github_push set stage = $4 where forge = $1 and repository = $2 and turn = $3', [
    key.forge,
    key.repository.toLowerCase(),
    key.turn,
    stage,
  ]);
}
