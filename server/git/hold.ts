// Holds a push for people: keeps its bytes, opens a request for exactly them, and closes the attempt as held. What is
// kept can be forwarded by any guard that shares the store, without the agent.
import { type ApprovalBinding, findingsDigest } from '../../core/approval/binding.ts';
import type { Json } from '../../core/audit-event.ts';
import { GuardError } from '../../core/errors.ts';
import type { ApprovalDraft, HeldRequest } from '../../core/services.ts';
import type { HeldPush } from './held-store.ts';
import { decidedFindings, heldEvent } from './push-audit.ts';
import type { Decision, Push, PushServices, ReceivedStage } from './push-stage.ts';

const maxShownFindings = 20;

/**
 * Holds a push whose verdict is `hold`. Rejects with `git/unsupported` where it cannot be held, and with what the store,
 * the approvals or the log reject with; nothing of it lands then.
 */
export async function holdPush(
  services: PushServices,
  push: Push,
  stage: ReceivedStage,
  decision: Decision,
): Promise<HeldRequest> {
  checkHoldable(push);
  const { held } = services;
  const key = await held.keep(heldPush(push, stage), stage.pack?.path);
  // Where this rejects the request may exist all the same: what is kept is left to the sweep.
  const request = await requestFor(services, key, {
    request: push.client.request,
    binding: bindingOf(push, decision),
    held: key,
    reason: push.options.reason ?? null,
    holds: decision.verdict.reasons
      .filter(({ action }) => action === 'hold')
      .map(({ rule, message }) => ({ rule, message })),
    requirements: decision.verdict.approvals,
    details: { ...detailsOf(decision), ...limitsOf(push) },
  });
  if (!request.isNew) await held.discard(key);
  await services.observe('held', push.client.request);
  await services.audit.append(heldEvent(push.identity, request));
  return request;
}

/** Opens the request; what is kept for one that certainly was not opened is let go. */
async function requestFor(
  { approvals, held }: PushServices,
  key: string,
  draft: ApprovalDraft,
): Promise<HeldRequest> {
  try {
    return await approvals.request(draft);
  } catch (thrown) {
    if (thrown instanceof GuardError && thrown.code === 'approval/too-many') await held.discard(key);
    throw thrown;
  }
}

function checkHoldable({ client, request, text }: Push): void {
  if (client.repository.forge.credential.mode === 'passthrough')
    throw new GuardError(
      'git/unsupported',
      'this push needs an approval, and the guard has no credential of its own to forward it later',
    );
  if (request.commands.some(({ ref }) => text.shownRef(ref) !== ref))
    throw new GuardError(
      'git/unsupported',
      'this push needs an approval, and the name of one of its refs must not be kept: it holds a value',
    );
}

function heldPush({ client, request, forwardedOptions }: Push, { pack }: ReceivedStage): HeldPush {
  const { forge, path } = client.repository;
  return {
    repository: `${forge.name}/${path}`,
    objectFormat: request.objectFormat,
    commands: request.commands,
    shallow: request.shallow,
    capabilities: [...request.capabilities].filter((capability) => capability === 'atomic'),
    pushOptions: forwardedOptions,
    announced: pack?.announced ?? 0,
    hasPack: pack !== undefined,
  };
}

/** What an approval of this push covers. */
function bindingOf({ client, request }: Push, { facts }: Decision): ApprovalBinding {
  return {
    kind: 'push',
    repository: client.repository.id,
    refUpdates: request.commands,
    objectSetDigest: facts.objectSetDigest,
    findingsDigest: findingsDigest(facts.findings.map(({ finding }) => finding)),
    policyDigest: facts.verdict.policyDigest,
    catalogDigest: facts.catalogDigest,
    actor: client.actor,
    owner: client.owner,
  };
}

/** A reviewer sees what the agent's credential is limited to. */
function limitsOf({ client }: Push): { readonly [key: string]: Json } {
  return client.refLimits === undefined ? {} : { refLimits: client.refLimits };
}

function detailsOf({ facts, inspection }: Decision): { readonly [key: string]: Json } {
  return {
    updates: facts.updates
      .slice(0, maxShownFindings)
      .map(({ kind, isDefaultBranch }) => ({ kind, isDefaultBranch })),
    commits: inspection?.graph.commits.size ?? 0,
    objects: facts.objects,
    bytes: facts.bytes,
    findings: decidedFindings(facts.findings.slice(0, maxShownFindings)),
    findingCount: facts.findings.length,
  };
}
