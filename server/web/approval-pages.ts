// The page of a request that waits for people: what is asked, by whom, for whom, why it is held, what it would change, and
// the decision. Who may decide is judged by the service; that somebody wanted to and may not is recorded first.
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { type Approval, approvalProgress } from '../../core/approval.ts';
import { changesCaps, type HeldChangesPage, unifiedDiff } from '../../core/approval/changes.ts';
import { longestComment } from '../../core/approval/judge.ts';
import { maySee } from '../../core/approval/visibility.ts';
import { GuardError } from '../../core/errors.ts';
import type { OperationKind } from '../../core/operation.ts';
import type { Grant } from '../../core/principal.ts';
import type { ApprovalService, AuditLog, HeldChanges } from '../../core/services.ts';
import { type Pages, shownTime } from './pages.ts';

export interface ApprovalPagesOptions {
  readonly pages: Pages;
  readonly approvals: ApprovalService;
  /** Who shows what would change, by the kind of the held operation. */
  readonly changes: Readonly<Partial<Record<OperationKind, HeldChanges>>>;
  readonly audit: Pick<AuditLog, 'append'>;
}

const longestMs = 20_000;
const form = z.object({
  decision: z.enum(['approve', 'deny']),
  comment: z.string().max(longestComment).default(''),
});
const query = z.looseObject({
  after: z.string().min(1).max(changesCaps.cursorLength).optional().catch(undefined),
});

type WithId = { readonly Params: { readonly id: string } };

/** Registers `/ui/approvals/:id`. */
export function approvalPages(
  app: FastifyInstance,
  { pages, approvals, changes, audit }: ApprovalPagesOptions,
): void {
  async function find(id: string, grant: Grant): Promise<Approval> {
    const found = /^[\w-]{1,64}$/.test(id) ? await approvals.status(id) : undefined;
    if (found !== undefined && maySee(grant, found)) return found;
    throw new GuardError('approval/unknown', 'there is no such request, or you may not see it');
  }

  async function record(
    action: 'approval.shown' | 'approval.forbidden',
    seen: Approval,
    { principal }: Grant,
    more: Readonly<Record<string, string | number | null>>,
  ): Promise<void> {
    const { request, binding, id, version } = seen;
    const details = { approval: id, version, ...more };
    await audit.append({ action, request, actor: principal, repository: binding.repository, details });
  }

  /** A page of the changes, or why it cannot be shown; recorded before it is. */
  async function look(seen: Approval, grant: Grant, after: string | null): Promise<HeldChangesPage | string> {
    let answer;
    try {
      const signal = AbortSignal.timeout(longestMs);
      answer = await changes[seen.binding.kind]?.changes(seen, after, signal);
    } catch (thrown) {
      return thrown instanceof GuardError ? thrown.message : 'the changes could not be told in time';
    }
    if (answer?.kind !== 'page') return 'the request has ended, and what it held is gone';
    await record('approval.shown', seen, grant, { files: answer.files.length, from: after });
    return answer;
  }

  app.get<WithId>('/approvals/:id', async (request, reply) => {
    const { grant } = pages.demand(request);
    const seen = await find(request.params.id, grant);
    const changed = await look(seen, grant, query.parse(request.query).after ?? null);
    return pages.send(request, reply, 'approval', {
      ...shownRequest(seen),
      mayDecide: seen.state === 'waiting' || seen.state === 'approved',
      changesFault: typeof changed === 'string' ? changed : null,
      files:
        typeof changed === 'string'
          ? []
          : changed.files.map((file) => ({ ...file, lines: shownDiff(unifiedDiff(file)) })),
      next: typeof changed === 'string' || changed.next === null ? null : encodeURIComponent(changed.next),
    });
  });

  app.post<WithId & { readonly Body: unknown }>('/approvals/:id', async (request, reply) => {
    const { grant } = pages.demand(request);
    const seen = await find(request.params.id, grant);
    const read = form.safeParse(request.body);
    if (!read.success) throw new GuardError('input/invalid', 'the form is not complete');
    const { decision, comment } = read.data;
    try {
      await approvals.vote(seen.id, grant, decision, comment.trim() === '' ? null : comment);
    } catch (thrown) {
      if (thrown instanceof GuardError && thrown.status === 403)
        await record('approval.forbidden', seen, grant, { wanted: decision, code: thrown.code });
      throw thrown;
    }
    return reply.redirect(`/ui/approvals/${seen.id}`, 303);
  });
}

function shownRequest(seen: Approval): object {
  const { binding, holds, votes, reason, note, state, createdAt, expiresAt, id, details } = seen;
  const findings = z.array(z.looseObject({ rule: z.string() })).safeParse(details['findings']).data ?? [];
  return {
    id,
    state,
    note,
    reason,
    holds,
    repository: binding.repository,
    actor: binding.actor.id,
    behalf: binding.actor.onBehalfOf.join(', ') || 'nobody else',
    refs: binding.refUpdates.map(
      ({ ref, oldOid, newOid }) => `${ref}: ${oldOid.slice(0, 12)} → ${newOid.slice(0, 12)}`,
    ),
    createdAt: shownTime(createdAt),
    expiresAt: shownTime(expiresAt),
    requirements: approvalProgress(seen).map(
      ({ approvers, count, agreed }) => `${agreed} of ${count} from ${approvers.join(', ')}`,
    ),
    votes: votes.map((vote) => ({ ...vote, at: shownTime(vote.at), isRevoked: vote.revokedAt !== null })),
    findings: findings.map((finding) =>
      ['rule', 'severity', 'path', 'line', 'masked']
        .flatMap((key) => {
          const value = finding[key];
          return typeof value === 'string' || typeof value === 'number' ? [String(value)] : [];
        })
        .join(' · '),
    ),
  };
}

function shownDiff(lines: readonly string[]): readonly { readonly kind: string; readonly text: string }[] {
  return lines.map((text) => ({
    text,
    kind: text.startsWith('@@')
      ? 'hunk'
      : /^\+(?!\+\+ )/.test(text)
        ? 'add'
        : /^-(?!-- )/.test(text)
          ? 'remove'
          : 'context',
  }));
}
