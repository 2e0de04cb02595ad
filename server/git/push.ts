// The walk of one push: received → quarantine → objects → findings → verdict → decided → forward → outcome → report.
// Whatever is thrown before the forward begins ends as `ng` for every ref, in one place (the catch of `servePush`).
import type { Operation, RefUpdate } from '../../core/operation.ts';
import { GuardError } from '../../core/errors.ts';
import { isZero } from '../../core/oid.ts';
import type { Verdict } from '../../core/verdict.ts';
import type { ByteReader } from './byte-reader.ts';
import { checkForwardable } from './forward.ts';
import { checkGitmodules } from './gitmodules.ts';
import { type Inspection, inspectPack } from './inspect.ts';
import type { LocatedFinding } from './located-finding.ts';
import { openPackIndex } from './pack-index.ts';
import { decidedEvent, type PushIdentity, receivedEvent } from './push-audit.ts';
import { readGuardOptions } from './push-options.ts';
import { forwardAndReport, refuseWithError, reportRefusal } from './push-outcome.ts';
import { createPushOutput, type PushOutput } from './push-output.ts';
import type { Decision, Push, PushClient, PushServices, ReceivedStage, Stage } from './push-stage.ts';
import { scanPushText } from './push-text.ts';
import { diskError, type Pack } from './quarantine.ts';
import type { ReceivePackRequest } from './receive-pack-request.ts';
import { changedPaths, type ChangeContext, classifyUpdates } from './ref-changes.ts';
import type { UpstreamCapabilities } from './upstream-facts.ts';
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
      }),
    );
    // Awaited once the pack is here; what fails before that must not leave its failure unhandled.
    received.catch(() => undefined);
    await withQuarantine(services, push, async (opened) => {
      const stage = await receiveObjects(services, push, opened, body, received);
      await answer(output);
      await services.observe('received', client.request);
      const decision = await decidePush(services, push, stage);
      await services.audit.append(decidedEvent(identity, decision.facts));
      await services.observe('decided', client.request);
      if (decision.verdict.kind !== 'allow') return reportRefusal(services, push, decision.answer);
      forwarding = true;
      return forwardAndReport(services, push, stage, decision);
    });
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

async function withQuarantine(
  services: PushServices,
  push: Push,
  work: (stage: Stage) => Promise<void>,
): Promise<void> {
  const { client, request, signal } = push;
  const { repository, authorization } = client;
  const capabilities = services.facts.capabilities(repository, authorization, signal);
  const defaultBranch = services.facts.defaultBranch(repository, authorization, signal);
  // Awaited where they are needed; a failure before that is not unhandled.
  capabilities.catch(() => undefined);
  defaultBranch.catch(() => undefined);
  const prepared = await services.preparations.take(client.actor.session, repository, request.objectFormat);
  await using workshop =
    prepared ?? (await Workshop.open(services, repository, request.objectFormat, authorization));
  await work({ workshop, capabilities, defaultBranch });
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

async function decidePush(services: PushServices, push: Push, stage: ReceivedStage): Promise<Decision> {
  const { client, request, signal } = push;
  const capabilities = await stage.capabilities;
  checkForwardable(request, push.forwardedOptions, capabilities);
  const { workshop, pack } = stage;
  await services.observe('objects', client.request);
  const inspection = pack === undefined ? undefined : await inspect(services, push, stage, pack);
  await services.observe('findings', client.request);
  const context: ChangeContext = {
    graph: inspection?.graph,
    reader: () => workshop.reader(signal),
    history: workshop.history,
    remote: workshop.remote,
    defaultBranch: await stage.defaultBranch,
    refs: (age) => services.facts.refs(client.repository, client.authorization, age, signal),
    objectFormat: request.objectFormat,
    signal,
  };
  const updates = await classifyUpdates(request.commands, context);
  const findings = [...push.text.findings, ...(inspection?.findings ?? [])];
  const verdict = await judge(services, push, updates, findings, inspection, context);
  await services.observe('verdict', client.request);
  return assemble(services, push, { capabilities, updates, findings, inspection, verdict });
}

async function inspect(services: PushServices, push: Push, stage: Stage, pack: Pack): Promise<Inspection> {
  const { request, signal } = push;
  const { quarantine, history, remote } = stage.workshop;
  await checkGitmodules(quarantine, pack, history, remote, signal);
  const index = await openPackIndex(pack.indexPath, request.objectFormat, services.limits.objects);
  return inspectPack({
    index,
    objectFormat: request.objectFormat,
    reader: await stage.workshop.reader(signal),
    scanner: services.scanner,
    tips: request.commands
      .filter((command) => !isZero(command.newOid))
      .map(({ ref, newOid }) => ({ ref, oid: newOid })),
    announced: pack.announced,
    maxPathBytes: services.limits.pathBytes,
    maxBytes: services.limits.unpackedBytes,
    signal,
  });
}

async function judge(
  services: PushServices,
  push: Push,
  updates: readonly RefUpdate[],
  findings: readonly LocatedFinding[],
  inspection: Inspection | undefined,
  context: ChangeContext,
): Promise<Verdict> {
  const { client } = push;
  const bare = {
    kind: 'push',
    actor: client.actor,
    repository: client.repository.id,
    refUpdates: updates,
    size: {
      bytes: inspection?.bytes ?? 0,
      objects: inspection?.graph.index.count ?? 0,
      commits: inspection?.graph.commits.size ?? 0,
    },
    foreignAuthors: [],
  } as const;
  const asks = services.policy.asksAboutPaths(bare);
  // The first push to an empty repository changes nothing that anybody reviewed or relies on. Whether the repository
  // is empty is asked anew: what was remembered may be older than the push before this one.
  const isFirst = asks && context.defaultBranch === undefined && (await context.refs('now')).length === 0;
  const decide = (paths: Operation['paths']): Verdict =>
    services.policy.decide(
      { ...bare, paths, findings: findings.map((found) => found.finding) },
      services.clock.now(),
    );
  if (!asks || isFirst) return decide([]);
  const quick = await changedPaths(updates, context, 'quick');
  const verdict = decide(quick.paths);
  // Nobody is refused or told for paths that the push may not bring.
  if (quick.exact || (verdict.kind === 'allow' && verdict.monitored.length === 0)) return verdict;
  return decide((await changedPaths(updates, context, 'exact')).paths);
}

interface Judged {
  readonly capabilities: UpstreamCapabilities;
  readonly updates: readonly RefUpdate[];
  readonly findings: readonly LocatedFinding[];
  readonly inspection: Inspection | undefined;
  readonly verdict: Verdict;
}

function assemble(services: PushServices, push: Push, judged: Judged): Decision {
  const { inspection, verdict, findings } = judged;
  return {
    verdict,
    inspection,
    capabilities: judged.capabilities,
    answer: {
      request: push.client.request,
      verdict,
      findings,
      refs: push.request.commands.map((command) => command.ref),
      tips: push.request.commands.map((command) => command.newOid),
      listed: services.limits.findingsListed,
    },
    facts: {
      verdict,
      updates: judged.updates,
      shownRef: push.text.shownRef,
      findings,
      objects: inspection?.graph.index.count ?? 0,
      bytes: inspection?.bytes ?? 0,
      objectSetDigest: inspection?.graph.index.digest() ?? '',
      unreachedObjects: inspection?.graph.unreached().length ?? 0,
      catalogDigest: services.scanner.catalogDigest,
      reason: push.options.reason,
    },
  };
}
