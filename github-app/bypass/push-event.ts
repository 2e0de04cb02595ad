// Webhooks about refs and what protects them. GitHub sends no `push` for more than three tags at once, and
// `create` and `delete` do not say which commits: they have the repository's refs compared.
import { z } from 'zod';
import { type Asked, nothing, type Reader } from '../event-reader.ts';

const repository = z.object({ full_name: z.string().regex(/^[\w.-]{1,100}\/[\w.-]{1,100}$/) });
const oid = z.string().regex(/^([0-9a-f]{40}|[0-9a-f]{64})$/);

const pushed = z.object({
  repository,
  ref: z.string().max(1_024),
  before: oid,
  after: oid,
  forced: z.boolean().default(false),
  commits: z.array(z.unknown()).max(10_000).default([]),
  pusher: z.object({ name: z.string().max(200).nullish() }).nullish(),
  sender: z.object({ login: z.string().max(200), id: z.int(), type: z.string().max(100) }).nullish(),
});

function told(payload: unknown, delivery: string): Asked {
  const push = pushed.safeParse(payload).data;
  if (push === undefined) return nothing;
  const { ref, before, after, forced, sender } = push;
  const by =
    sender === null || sender === undefined
      ? null
      : { login: sender.login, id: sender.id, type: sender.type };
  const pusher = push.pusher?.name ?? null;
  const data = {
    ref,
    before,
    after,
    isForced: forced,
    commits: push.commits.length,
    by,
    pusher: pusher === by?.login ? null : pusher,
    delivery,
  };
  return {
    kind: 'work',
    work: { kind: 'push', repository: push.repository.full_name, subject: delivery, data },
  };
}

function compare(payload: unknown): Asked {
  const read = z.object({ repository }).safeParse(payload).data;
  if (read === undefined) return nothing;
  return {
    kind: 'work',
    work: { kind: 'compare', repository: read.repository.full_name, subject: 'refs', data: {} },
  };
}

function readAgain(payload: unknown): Asked {
  const read = z.object({ repository }).safeParse(payload).data;
  if (read === undefined) return nothing;
  return {
    kind: 'work',
    work: { kind: 'posture', repository: read.repository.full_name, subject: 'settings', data: {} },
  };
}

/** The readers by event. */
export const pushReaders: Readonly<Record<string, Reader>> = {
  push: told,
  create: compare,
  delete: compare,
  branch_protection_rule: readAgain,
  repository_ruleset: readAgain,
};
