// What the client of a held push is told, and the wait for its end in the same connection. The request goes on whatever
// becomes of the connection; nothing here can take it back.
import { setInterval } from 'node:timers';
import { type Approval, approvalProgress } from '../../core/approval.ts';
import { approversNow } from '../../core/approval/requirement.ts';
import type { HeldRequest } from '../../core/services.ts';
import { plainText } from './plain-text.ts';
import type { Decision, Push, PushServices } from './push-stage.ts';
import { holdJson, holdText, requirementText } from './refusal.ts';
import { type Report, refuseAll } from './report-status.ts';

const progressMs = 5_000;

/** What is awaited, and until when. */
export interface Waiting {
  /** Aborts where the client goes away or the guard stops. */
  readonly gone: AbortSignal;
  /** Called before the wait: a push that waits takes nobody's turn. */
  readonly letOthersIn: () => void;
}

/** Tells the client that its push is held and, where it asked for that, of its end. Never rejects. */
export async function reportHeld(
  services: PushServices,
  push: Push,
  decision: Decision,
  held: HeldRequest,
  waiting: Waiting,
): Promise<void> {
  const { output, options, request } = push;
  const isJson = options.format === 'json';
  output.progress(
    isJson ? holdJson(decision.answer, held) : holdText(decision.answer, held, options.waitSeconds),
  );
  const ended = options.waitSeconds > 0 ? await awaitEnd(services, push, held, waiting) : undefined;
  const refs = request.commands.map(({ ref }) => ref);
  if (ended !== undefined) {
    output.progress(isJson ? endJson(ended) : `forgeguard: ${endText(ended)}\n`);
    output.finish(endReport(ended, refs));
    return;
  }
  output.finish(refuseAll(refs, `held for approval ${held.url}`));
}

/** The request in its last state, or undefined where the wait was over first. */
async function awaitEnd(
  services: PushServices,
  push: Push,
  held: HeldRequest,
  { gone, letOthersIn }: Waiting,
): Promise<Approval | undefined> {
  letOthersIn();
  const { output, options } = push;
  const signal = AbortSignal.any([gone, AbortSignal.timeout(options.waitSeconds * 1000)]);
  let told = '';
  const telling = setInterval(() => {
    void services.approvals.status(held.id).then(
      (now) => {
        if (now === undefined || options.format === 'json' || signal.aborted) return;
        const text = `forgeguard: ${stillText(now)}\n`;
        // The band is kept alive anyhow; only what is new is said.
        if (text !== told) output.progress(text);
        told = text;
      },
      () => undefined,
    );
  }, progressMs);
  try {
    return await services.approvals.waitFor(held.id, signal);
  } catch {
    return undefined;
  } finally {
    clearInterval(telling);
  }
}

function stillText(approval: Approval): string {
  if (approval.state !== 'waiting') return `the approval is ${approval.state}`;
  const open = approvalProgress(approval).filter(({ isMet }) => !isMet);
  return `waiting for ${open
    .map(({ escalatedTo, ...asked }) => {
      const now =
        escalatedTo === null
          ? asked
          : { ...asked, approvers: approversNow(asked, true), escalate: undefined };
      return `${requirementText(now)} (${asked.agreed} so far)`;
    })
    .join(' and ')}`;
}

const endWords: Readonly<Record<string, string>> = {
  applied: 'approved, and it has landed',
  denied: 'denied',
  expired: 'expired before it was approved',
  superseded: 'superseded by a newer push to the same ref',
  cancelled: 'cancelled',
  stale: 'approved, but what it builds on has changed: fetch, rebase and push again',
  failed: 'approved, but it could not be landed',
};

function endText(approval: Approval): string {
  const said = approval.votes.findLast(
    ({ revokedAt, decision }) => revokedAt === null && decision === 'deny',
  );
  const by = approval.state === 'denied' && said !== undefined ? ` by ${plainText(said.person, 100)}` : '';
  const comment = approval.state === 'denied' ? (said?.comment ?? undefined) : (approval.note ?? undefined);
  const words = `${endWords[approval.state] ?? approval.state}${by}`;
  return comment === undefined ? words : `${words}: ${plainText(comment, 600)}`;
}

function endJson(approval: Approval): string {
  const { id, request, state } = approval;
  return `${JSON.stringify({ version: 1, request, approval: { id, state, message: endText(approval) } })}\n`;
}

function endReport(approval: Approval, refs: readonly string[]): Report {
  if (approval.state !== 'applied') return refuseAll(refs, plainText(endText(approval), 200));
  return { unpack: 'ok', refs: refs.map((ref) => ({ kind: 'ok', ref, options: [] })) };
}
