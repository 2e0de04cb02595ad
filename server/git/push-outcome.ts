// How a push ends: refused, or forwarded and then told what the upstream said. Once the forward has begun the client
// hears only what the upstream answered or what its refs show.
import type { AuditEvent } from '../../core/audit-event.ts';
import { type GuardError } from '../../core/errors.ts';
import { isZero } from '../../core/oid.ts';
import { type Forwarded, forwardPush } from './forward.ts';
import { packToForward } from './held-pack.ts';
import type { ObjectGraph } from './object-graph.ts';
import { plainText } from './plain-text.ts';
import { type PushIdentity, refusedEvent, reportedEvent, settledEvent } from './push-audit.ts';
import type { PushOutput } from './push-output.ts';
import type { Decision, Push, PushServices, ReceivedStage } from './push-stage.ts';
import type { Pack } from './quarantine.ts';
import type { ReceivePackRequest } from './receive-pack-request.ts';
import { type Answer, ngMessage, refusalJson, refusalText } from './refusal.ts';
import { type Report, refuseAll } from './report-status.ts';
import { compareRefs } from './settle.ts';
import { changesWorkflows } from './workflow-change.ts';

/** Ends a push that the policy does not let through. */
export async function reportRefusal(services: PushServices, push: Push, answer: Answer): Promise<void> {
  await services.audit.append(refusedEvent(push.identity, 'policy', answer.verdict.kind));
  await services.observe('outcome', push.client.request);
  tell(push, answer);
  push.output.finish({
    unpack: 'ok',
    refs: push.request.commands.map((command, index) => ({
      kind: 'ng',
      ref: command.ref,
      message: ngMessage(answer, index),
    })),
  });
}

function tell(push: Push, answer: Answer): void {
  push.output.progress(push.options.format === 'json' ? refusalJson(answer) : refusalText(answer));
}

/** Forwards an allowed push and tells the client what became of it. */
export async function forwardAndReport(
  services: PushServices,
  push: Push,
  stage: ReceivedStage,
  decision: Decision,
): Promise<void> {
  const { client, request, output } = push;
  tell(push, decision.answer);
  await services.observe('forward', client.request);
  const forwarded = await sendOn(services, push, stage, decision);
  await services.observe('forwarded', client.request);
  const report = await recordOutcome(services, push, forwarded);
  await services.observe('outcome', client.request);
  output.finish(report);
  if (stage.pack !== undefined && report.refs.every((status) => status.kind === 'ok')) {
    const tips = request.commands.map((command) => command.newOid).filter((oid) => !isZero(oid));
    // A cache: what cannot be kept is fetched again.
    await stage.workshop.history.keep(stage.pack.path, tips).catch(() => undefined);
  }
}

/** Sends the push to the upstream without what no ref reaches. Never rejects once the upstream is asked. `signal` ends the wait. */
export async function sendOn(
  services: PushServices,
  push: Push,
  stage: ReceivedStage,
  decision: Decision,
  signal?: AbortSignal,
): Promise<Forwarded> {
  const { client, request, output } = push;
  const graph = decision.inspection?.graph;
  const dropped =
    graph === undefined || stage.pack === undefined ? new Set<number>() : droppedObjects(graph, stage.pack);
  if (dropped.size > 0)
    output.progress(
      `forgeguard: left out ${dropped.size} object${dropped.size === 1 ? '' : 's'} that no pushed ref reaches\n`,
    );
  const pack =
    stage.pack === undefined || graph === undefined
      ? undefined
      : packToForward(stage.workshop.quarantine, stage.pack, graph, dropped);
  const workflows = await changesWorkflows(services, push, stage, decision).catch(() => false);
  return forwardPush({
    upstream: services.upstreamOf(client.repository),
    repository: client.repository,
    authorization: client.authorization,
    request,
    pushOptions: push.forwardedOptions,
    capabilities: decision.capabilities,
    pack,
    agent: services.agent,
    workflows,
    idleMs: services.limits.upstreamSeconds * 1000,
    signal,
    progress: (text) => output.progress(text),
  });
}

// Objects that completed a thin pack came from the upstream and may go back there.
function droppedObjects(graph: ObjectGraph, pack: Pack): ReadonlySet<number> {
  const appended = new Set(graph.index.byOffset.subarray(pack.announced));
  return new Set(graph.unreached().filter((object) => !appended.has(object)));
}

/**
 * Records what became of a forwarded push. It has happened already: where the log cannot be written now, the attempt
 * stays open and is settled from the upstream's refs at the next start, and the client is told so.
 */
async function appendOutcome(services: PushServices, push: Push, event: AuditEvent): Promise<void> {
  await services.audit.append(event).catch(() => {
    push.output.progress(
      'forgeguard: the outcome could not be recorded yet; it will be settled from the upstream refs\n',
    );
  });
}

/** Makes the outcome durable and returns what the client is told. */
async function recordOutcome(services: PushServices, push: Push, forwarded: Forwarded): Promise<Report> {
  const { identity, request } = push;
  const refs = request.commands.map((command) => command.ref);
  switch (forwarded.kind) {
    case 'answered':
      await Promise.all([
        appendOutcome(services, push, reportedEvent(identity, forwarded.report, push.text.shownRef)),
        forwarded.ended,
      ]);
      return forwarded.report;
    case 'refused':
      await appendOutcome(services, push, refusedEvent(identity, 'upstream', forwarded.error.code));
      push.output.progress(errorText(forwarded.error, identity.request));
      return refuseAll(refs, `${forwarded.error.message} (request ${identity.request})`);
    case 'unknown':
      return recordUnknown(services, push, forwarded.error);
  }
}

/** The upstream's answer was lost: its refs are asked, and only what they show is told. */
async function recordUnknown(services: PushServices, push: Push, error: GuardError): Promise<Report> {
  const { client, identity, request } = push;
  const expected = request.commands.map((command) => ({
    ref: command.ref,
    old: command.oldOid,
    new: command.newOid,
  }));
  const shows = await services.facts
    .advertisement(
      client.repository,
      client.authorization,
      AbortSignal.timeout(services.limits.upstreamSeconds * 1000),
    )
    .then((advertisement) => compareRefs(expected, advertisement))
    .catch(() => undefined);
  if (shows === 'landed') {
    await appendOutcome(
      services,
      push,
      settledEvent(identity, 'push.forwarded', 'the upstream refs have the new values'),
    );
    push.output.progress(
      `forgeguard: the upstream's answer was lost, but its refs show that the push landed (request ${identity.request})\n`,
    );
    return {
      unpack: 'ok',
      refs: request.commands.map((command) => ({ kind: 'ok', ref: command.ref, options: [] })),
    };
  }
  const seen = shows === undefined ? 'its refs could not be read' : 'its refs do not show the push';
  await appendOutcome(
    services,
    push,
    settledEvent(identity, 'push.unknown', `${error.code}: ${error.message}; ${seen}`),
  );
  push.output.progress(errorText(error, identity.request));
  push.output.progress(
    `forgeguard: it is not known whether the push landed: ${seen}. Fetch before you push again.\n`,
  );
  return refuseAll(
    request.commands.map((command) => command.ref),
    `outcome unknown: ${error.message} (request ${identity.request})`,
  );
}

function errorText(error: GuardError, request: string): string {
  return `\nforgeguard: ${plainText(error.message, 700)} [${error.code}]\n${error.remedy}\nrequest: ${request}\n\n`;
}

/** Nothing was forwarded: says so to the client and, where the attempt was opened, to the log. */
export async function refuseWithError(
  services: PushServices,
  identity: PushIdentity,
  request: ReceivePackRequest,
  output: PushOutput,
  error: GuardError,
): Promise<void> {
  const recorded = await services.audit.append(refusedEvent(identity, 'guard', error.code)).then(
    () => true,
    () => false,
  );
  if (!recorded) output.progress('forgeguard: the audit log cannot be written; nothing was forwarded\n');
  output.progress(errorText(error, identity.request));
  const isPackError = error.code === 'git/bad-pack';
  const refs = request.commands.map((command) => command.ref);
  const words = `${plainText(error.message, 200)} (request ${identity.request})`;
  output.finish(refuseAll(refs, words, isPackError ? words : 'ok'));
}
