// The walk of one push: received → quarantine → objects → findings → verdict → decided → forward or hold → outcome →
// report.
// Whatever is thrown before the forward begins ends as `ng` for every ref, in one place (the catch of `servePush`).
import { GuardError } from '../../core/errors.ts';
import type { ByteReader } from './byte-reader.ts';
import { askAhead, decidePush } from './decide-push.ts';
import { reportHeld, type Waiting } from './held-report.ts';
import { holdPush } from './hold.ts';
import { type PushIdentity, receivedEvent } from './push-audit.ts';
import { readGuardOptions } from './push-options.ts';
import { forwardAndReport, refuseWithError, reportRefusal } from './push-outcome.ts';
import { createPushOutput, type PushOutput } from './push-output.ts';
import type { Push, PushClient, PushServices, ReceivedStage, Stage } from './push-stage.ts';
import { scanPushText } from './push-text.ts';
import { diskError } from './quarantine.ts';
import { recordDecision } from './record-decision.ts';
import type { ReceivePackRequest } from './receive-pack-request.ts';
import { Workshop } from './workshop.ts';

/**
 * Serves one push whose commands are read and whose pack waits in `body`. Calls `answer` with the response once the
 * request is read to its end, and fulfils when the push has its outcome.
 */
export async function servePush(
  services: PushServices,
  client: PushClient,
  request: ReceivePackRequest,
  body: ByteReader,
  signal: AbortSignal,
  answer: (output: PushOutput) => Promise<void>,
  waiting: Waiting,
): Promise<void> {
  const output = createPushOutput(request.capabilities);
  const identity: PushIdentity = {
    request: client.request,
    actor: client.actor,
    repository: client.repository.id,
  };
  let forwarding = false;
  try {
    await services.observe('commands', client.request);
    const { guard: options, forwarded: forwardedOptions } = readGuardOptions(request.pushOptions);
    const text = await scanPushText(request, services.scanner, signal);
    const push: Push = { client, identity, request, options, forwardedOptions, output, text, signal };
    const received = services.audit.append(
      receivedEvent(identity, request.commands, text.shownRef, {
        address: client.address,
        userAgent: client.userAgent,
        pushOptions: request.pushOptions.length,
        refLimits: client.refLimits,
        owner: client.owner,
      }),
    );
    // Awaited once the pack is here; what fails before that must not leave its failure unhandled.
    received.catch(() => undefined);
    const held = await withQuarantine(services, push, async (opened, handOver) => {
      const stage = await receiveObjects(services, push, opened, body, received);
      await answer(output);
      await services.observe('received', client.request);
      const decision = await decidePush(services, push, stage);
      await recordDecision(services, identity, decision.facts);
      try {
        await services.observe('decided', client.request);
        if (decision.verdict.kind === 'hold')
          return { push, decision, request: await holdPush(services, push, stage, decision) };
        if (decision.verdict.kind !== 'allow') {
          await reportRefusal(services, push, decision.answer);
          return undefined;
        }
        await confirmActor(services, client);
        forwarding = true;
        await forwardAndReport(services, push, stage, decision);
        return undefined;
      } finally {
        // Nobody waits for it: the client has its answer.
        services.evidence.keepLater({ push, stage, decision, owned: handOver() });
      }
    });
    if (held !== undefined) await reportHeld(services, held.push, held.decision, held.request, waiting);
  } catch (thrown) {
    await answer(output);
    const error = failureOf(thrown, signal);
    if (forwarding || error.status >= 500) client.onFailure(error);
    if (forwarding) {
      output.fail(
        `it is not known whether the push landed; fetch before you push again (request ${client.request})`,
      );
      return;
    }
    await refuseWithError(services, identity, request, output, error);
  }
}

/**
 * A push takes time: whoever was revoked meanwhile does not land. A credential that has merely expired since may finish
 * what it has begun. What the upstream judges by itself is not asked.
 */
async function confirmActor(services: PushServices, { actor, owner, since }: PushClient): Promise<void> {
  if (actor.proof !== 'passthrough') await services.confirm({ principal: actor, owner, since });
}

/** An aborted stage fails in its own way; why it was aborted is what counts. */
export function failureOf(thrown: unknown, signal: AbortSignal): GuardError {
  if (signal.aborted) {
    const isLate = signal.reason instanceof DOMException && signal.reason.name === 'TimeoutError';
    return isLate
      ? new GuardError('git/limit', 'the push took longer than limits.pushSeconds allows', { cause: thrown })
      : new GuardError('request/cancelled', 'the client went away before the push was decided', {
          cause: thrown,
        });
  }
  return thrown instanceof GuardError ? thrown : diskError(thrown, "couldn't finish the push");
}

async function withQuarantine<T>(
  services: PushServices,
  push: Push,
  work: (stage: Stage, handOver: () => AsyncDisposable) => Promise<T>,
): Promise<T> {
  const { client, request, signal } = push;
  const { repository, authorization } = client;
  const asked = askAhead(services, client, signal);
  const prepared = await services.preparations.take(client.actor.session, repository, request.objectFormat);
  await using owned = new AsyncDisposableStack();
  const workshop = owned.use(
    prepared ?? (await Workshop.open(services, repository, request.objectFormat, authorization)),
  );
  return await work({ workshop, ...asked }, () => owned.move());
}

async function receiveObjects(
  services: PushServices,
  push: Push,
  stage: Stage,
  body: ByteReader,
  received: Promise<unknown>,
): Promise<ReceivedStage> {
  const { client, request, signal } = push;
  // The record and the pack go side by side; nothing is looked at before the record is durable.
  await services.observe('quarantine', client.request);
  const pack = request.hasPack ? await stage.workshop.receive(body.remaining(), signal) : undefined;
  await received;
  return { ...stage, pack };
}
