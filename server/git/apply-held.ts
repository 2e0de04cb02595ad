// Lands what was approved: the held bytes go through the whole walk again, under today's policy and rules, and are
// forwarded with the old values of the refs as lease. Called by one worker at a time for one approval.
import { createReadStream } from 'node:fs';
import type { Approval } from '../../core/approval.ts';
import { uncovered } from '../../core/approval/coverage.ts';
import { findingsDigest } from '../../core/approval/binding.ts';
import { asGuardError, GuardError } from '../../core/errors.ts';
import type { ApplyOutcome, ApprovalApplier } from '../../core/services.ts';
import { graceAfter } from '../deadline.ts';
import { ByteReader } from './byte-reader.ts';
import { askAhead, decidePush } from './decide-push.ts';
import type { Forwarded } from './forward.ts';
import { pushOfHeld } from './held-push.ts';
import type { HeldPush, KeptPush } from './held-store.ts';
import { describeMove, type Landed, whatLanded } from './landed.ts';
import { plainText } from './plain-text.ts';
import { refusedEvent, reportedEvent, settledEvent } from './push-audit.ts';
import { sendOn } from './push-outcome.ts';
import type { Decision, Push, PushServices, ReceivedStage } from './push-stage.ts';
import { recordDecision } from './record-decision.ts';
import type { Repository } from './repository.ts';
import { settledBy } from './settle.ts';
import { Workshop } from './workshop.ts';

export interface ApplyServices extends PushServices {
  /** The repository that `<forge>/<path>` names. Throws `route/unknown-repository`. */
  readonly repositoryOf: (name: string) => Repository;
}

/** The applier over the store of held pushes. */
export function createApplier(services: ApplyServices): ApprovalApplier {
  return {
    async apply(approval, signal) {
      const kept = await services.held.find(approval.held);
      if (kept === undefined) return { kind: 'failed', note: 'What was held is gone from the store.' };
      if (!isBound(approval, kept.push))
        return { kind: 'failed', note: 'What is held is not what was approved.' };
      let ready: Ready | ApplyOutcome;
      await using opened = new AsyncDisposableStack();
      try {
        ready = await prepare(services, approval, kept, opened, signal);
      } catch (thrown) {
        return outcomeOf(thrown, signal);
      }
      return 'kind' in ready ? ready : await forward(services, ready);
    },
    async settle(approval, signal) {
      const kept = await services.held.find(approval.held);
      if (kept === undefined) return { kind: 'failed', note: 'What was held is gone from the store.' };
      const repository = services.repositoryOf(kept.push.repository);
      const landed = await whatLanded(services, repository, kept.push, signal);
      await closeAttempt(services, approval.request, landed);
      if (landed.kind === 'untouched') return { kind: 'untouched' };
      return landed.kind === 'landed'
        ? { kind: 'applied', note: 'The upstream refs show that it landed.' }
        : { kind: 'stale', note: describeMove(landed) };
    },
    discard: (approval) => services.held.discard(approval.held),
  };
}

function isBound({ binding }: Approval, push: HeldPush): boolean {
  const own = push.commands.map(({ ref, oldOid, newOid }) => `${oldOid} ${newOid} ${ref}`).toSorted();
  const bound = binding.refUpdates.map(({ ref, oldOid, newOid }) => `${oldOid} ${newOid} ${ref}`).toSorted();
  return (
    binding.kind === 'push' &&
    push.repository.toLowerCase() === binding.repository &&
    own.length === bound.length &&
    own.every((line, index) => line === bound[index])
  );
}

const transient: ReadonlySet<string> = new Set([
  'upstream/unreachable',
  'upstream/timeout',
  'upstream/unauthorized',
  'upstream/refused',
  'git/disk-full',
  'database/unavailable',
  'audit/unavailable',
  'scan/failed',
]);

/** What was thrown before anything was sent. */
function outcomeOf(thrown: unknown, signal: AbortSignal): ApplyOutcome {
  if (signal.aborted) return { kind: 'later', note: 'the guard was stopped' };
  const error = asGuardError(thrown, 'internal', "couldn't apply what was approved");
  const note = `${plainText(error.message, 600)} [${error.code}]`;
  return { kind: transient.has(error.code) ? 'later' : 'failed', note };
}

/** Whoever has lost its standing while the push waited does not land by somebody else's approval. */
function refusedStanding(thrown: unknown): ApplyOutcome {
  if (!(thrown instanceof GuardError) || thrown.code !== 'identity/revoked') throw thrown;
  return { kind: 'stale', note: `It was not applied: ${thrown.message}.` };
}

interface Ready {
  readonly push: Push;
  readonly held: HeldPush;
  readonly stage: ReceivedStage;
  readonly decision: Decision;
}

/** Everything up to the forward: what is thrown here has changed nothing. */
async function prepare(
  services: ApplyServices,
  approval: Approval,
  { push: held, packPath }: KeptPush,
  opened: AsyncDisposableStack,
  signal: AbortSignal,
): Promise<Ready | ApplyOutcome> {
  const repository = services.repositoryOf(held.repository);
  const before = await whatLanded(services, repository, held, signal);
  if (before.kind === 'moved') return { kind: 'stale', note: describeMove(before) };
  if (before.kind === 'landed')
    return { kind: 'applied', note: 'The upstream refs have these values already.' };
  const push = await pushOfHeld(services, approval, held, signal);
  const workshop = opened.use(await Workshop.open(services, repository, held.objectFormat, undefined));
  const stage = await receiveKept(services, push, workshop, held, packPath);
  const decision = await decidePush(services, push, stage);
  const { facts, verdict } = decision;
  const why = uncovered(approval, {
    verdict,
    objectSetDigest: facts.objectSetDigest,
    findingsDigest: findingsDigest(facts.findings.map(({ finding }) => finding)),
  });
  if (why !== undefined) return { kind: 'stale', note: `${why} Push again, so that it is decided anew.` };
  const { actor: principal, owner } = approval.binding;
  const gone = await services.confirm({ principal, owner, since: approval.createdAt }).then(
    () => undefined,
    (thrown: unknown) => refusedStanding(thrown),
  );
  if (gone !== undefined) return gone;
  await recordDecision(services, push.identity, facts, approval.id);
  await services.observe('apply-decided', push.client.request);
  return { push, held, stage, decision };
}

const answerGraceMs = 3_000;

/** Rejects where the end is not known. */
async function forward(services: ApplyServices, ready: Ready): Promise<ApplyOutcome> {
  const { push, held, stage, decision } = ready;
  // Who stops still hears an upstream that is about to answer.
  using patience = graceAfter(push.signal, answerGraceMs);
  const forwarded = await sendOn(services, push, stage, decision, patience.signal);
  await services.observe('apply-forwarded', push.client.request);
  return await conclude(services, push, held, forwarded);
}

/** An attempt that broke off is closed by what the refs show. */
async function closeAttempt(services: ApplyServices, request: string, landed: Landed): Promise<void> {
  const open = (await services.audit.openAttempts()).find((attempt) => attempt.request === request);
  if (open === undefined) return;
  const event = settledBy(open.last, landed.kind === 'moved' ? 'mixed' : landed.kind);
  if (event !== undefined) await services.audit.append(event);
}

/** Takes the kept pack in as if it came from the client: Git checks it once more. */
async function receiveKept(
  services: ApplyServices,
  { client, signal }: Push,
  workshop: Workshop,
  held: HeldPush,
  packPath: string | undefined,
): Promise<ReceivedStage> {
  const asked = askAhead(services, client, signal);
  if (packPath === undefined) return { workshop, ...asked, pack: undefined };
  const pack = await workshop.receive(new ByteReader(createReadStream(packPath)).remaining(), signal);
  // What the guard itself added to a thin pack is not blamed on the agent.
  return { workshop, ...asked, pack: { ...pack, announced: held.announced } };
}

async function conclude(
  services: ApplyServices,
  push: Push,
  held: HeldPush,
  forwarded: Forwarded,
): Promise<ApplyOutcome> {
  const { identity, text } = push;
  const { repository } = push.client;
  switch (forwarded.kind) {
    case 'answered': {
      await forwarded.ended;
      await services.audit.append(reportedEvent(identity, forwarded.report, text.shownRef));
      const refused = forwarded.report.refs.filter((status) => status.kind === 'ng');
      if (refused.length === 0) return { kind: 'applied', note: null };
      if (refused.length < forwarded.report.refs.length)
        return {
          kind: 'failed',
          note: `The upstream took some of the refs and refused ${refused.length} of them.`,
        };
      const now = await whatLanded(services, repository, held, push.signal);
      if (now.kind === 'moved') return { kind: 'stale', note: describeMove(now) };
      // An earlier attempt may have been under way still when its guard died.
      if (now.kind === 'landed')
        return {
          kind: 'applied',
          note: 'The upstream refused it, and its refs show that it had landed already.',
        };
      const words = plainText(refused[0]?.message ?? '', 300);
      return { kind: 'failed', note: `The upstream refused it: ${words}` };
    }
    case 'refused':
      await services.audit.append(refusedEvent(identity, 'upstream', forwarded.error.code));
      return { kind: 'later', note: `${plainText(forwarded.error.message, 300)} [${forwarded.error.code}]` };
    case 'unknown': {
      const now = await whatLanded(services, repository, held, push.signal);
      if (now.kind === 'landed') {
        await services.audit.append(
          settledEvent(identity, 'push.forwarded', 'the upstream refs have the new values'),
        );
        return { kind: 'applied', note: "The upstream's answer was lost; its refs show that it landed." };
      }
      await services.audit.append(
        settledEvent(identity, 'push.unknown', `${forwarded.error.code}: ${forwarded.error.message}`),
      );
      throw new GuardError(forwarded.error.code, 'it is not known whether the approved push landed', {
        cause: forwarded.error,
      });
    }
  }
}
