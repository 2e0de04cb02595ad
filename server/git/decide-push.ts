// The middle of a push's walk: from objects in quarantine to a verdict. The same for a push that comes in and for one that
// was held and is looked at again.
import type { Operation, RefUpdate } from '../../core/operation.ts';
import { isZero } from '../../core/oid.ts';
import type { AuthorJudge } from '../../core/policy/authors.ts';
import type { Verdict } from '../../core/verdict.ts';
import { AuthorNotes } from './author-notes.ts';
import { type Authorship, checkAuthorship } from './authorship.ts';
import { checkForwardable } from './forward.ts';
import { checkGitmodules } from './gitmodules.ts';
import { type Inspection, inspectPack } from './inspect.ts';
import type { LocatedFinding } from './located-finding.ts';
import { openPackIndex } from './pack-index.ts';
import type { Decision, Push, PushClient, PushServices, ReceivedStage, Stage } from './push-stage.ts';
import type { Pack } from './quarantine.ts';
import { changedPaths, type ChangeContext, classifyUpdates } from './ref-changes.ts';
import type { UpstreamCapabilities } from './upstream-facts.ts';

/**
 * Looks at everything in the pack and asks the policy. Rejects with the errors of inspection and of the upstream; nothing
 * has left the guard then.
 */
export async function decidePush(
  services: PushServices,
  push: Push,
  stage: ReceivedStage,
): Promise<Decision> {
  const { client, request } = push;
  const capabilities = await stage.capabilities;
  checkForwardable(request, push.forwardedOptions, capabilities);
  const { pack } = stage;
  await services.observe('objects', client.request);
  const judge = services.policy.authors.judgeFor(client.actor);
  const notes = new AuthorNotes(services.policy.authors.off ? undefined : judge);
  const inspection =
    pack === undefined ? undefined : await inspectObjects(services, push, stage, pack, notes);
  await services.observe('findings', client.request);
  const context = await contextOf(services, push, stage, inspection);
  const updates = await classifyUpdates(request.commands, context);
  const isFirst = await isFirstPush(context);
  const authorship = await askAuthorship(services, push, stage, {
    judge,
    notes,
    inspection,
    updates,
    context,
  });
  const findings = [...push.text.findings, ...(inspection?.findings ?? []), ...authorship.findings].filter(
    ({ finding }) => !isFirst || !toBeReviewed.has(finding.rule),
  );
  const bare = bareOperation(push, updates, inspection, authorship);
  const verdict = await judgeOperation(services, bare, findings, context, isFirst);
  await services.observe('verdict', client.request);
  return assemble(services, push, { capabilities, updates, findings, inspection, verdict, authorship });
}

/** Asks the upstream ahead for what the decision needs; a failure shows where it is awaited. */
export function askAhead(
  { facts }: PushServices,
  { repository, authorization }: Pick<PushClient, 'repository' | 'authorization'>,
  signal: AbortSignal,
): Pick<Stage, 'capabilities' | 'defaultBranch'> {
  const capabilities = facts.capabilities(repository, authorization, signal);
  const defaultBranch = facts.defaultBranch(repository, authorization, signal);
  capabilities.catch(() => undefined);
  defaultBranch.catch(() => undefined);
  return { capabilities, defaultBranch };
}

/** What changes of refs and paths are told from. */
export async function contextOf(
  services: PushServices,
  { client, request, signal }: Push,
  { workshop, defaultBranch }: Pick<Stage, 'workshop' | 'defaultBranch'>,
  inspection: Inspection | undefined,
): Promise<ChangeContext> {
  return {
    graph: inspection?.graph,
    reader: () => workshop.reader(signal),
    history: workshop.history,
    remote: workshop.remote,
    defaultBranch: await defaultBranch,
    refs: (age) => services.facts.refs(client.repository, client.authorization, age, signal),
    objectFormat: request.objectFormat,
    signal,
  };
}

/** Findings that say nothing against the content itself, only that somebody should look at the change. */
const toBeReviewed: ReadonlySet<string> = new Set(['policy/dependency-source', 'policy/machine-code']);

/** Looks at every object of the pack. */
export async function inspectObjects(
  services: PushServices,
  push: Push,
  stage: Pick<Stage, 'workshop'>,
  pack: Pack,
  authors?: AuthorNotes,
): Promise<Inspection> {
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
    authors,
    maxPathBytes: services.limits.pathBytes,
    maxBytes: services.limits.unpackedBytes,
    signal,
  });
}

/**
 * The first push to an empty repository changes nothing that anybody reviewed or relies on. Whether the repository is
 * empty is asked anew: what was remembered may be older than the push before this one.
 */
async function isFirstPush(context: ChangeContext): Promise<boolean> {
  return context.defaultBranch === undefined && (await context.refs('now')).length === 0;
}

interface Brought {
  readonly judge: AuthorJudge;
  readonly notes: AuthorNotes;
  readonly inspection: Inspection | undefined;
  readonly updates: readonly RefUpdate[];
  readonly context: ChangeContext;
}

/** Who made what the push brings. */
async function askAuthorship(
  services: PushServices,
  push: Push,
  { workshop: { quarantine } }: Pick<Stage, 'workshop'>,
  { judge, notes, inspection, updates, context }: Brought,
): Promise<Authorship> {
  const { authors } = services.policy;
  const asked = services.policy.asksAboutSignatures(bareOperation(push, updates, inspection));
  return checkAuthorship({
    judge,
    verifier: services.signatures,
    hasSigners: authors.signers.length > 0,
    compares: !authors.off,
    acceptSigned: authors.acceptSigned,
    askedUpdates: updates.filter((_update, index) => asked.includes(index)),
    actor: push.client.actor.id,
    now: services.clock.now(),
    pushed: inspection && {
      notes,
      inspection,
      directory: quarantine.path,
      environment: quarantine.environment(),
    },
    context,
  });
}

function bareOperation(
  { client }: Push,
  updates: readonly RefUpdate[],
  inspection: Inspection | undefined,
  authorship?: Authorship,
): Omit<Operation, 'paths' | 'findings'> {
  return {
    kind: 'push',
    actor: client.actor,
    repository: client.repository.id,
    refUpdates: updates,
    size: {
      bytes: inspection?.bytes ?? 0,
      objects: inspection?.graph.index.count ?? 0,
      commits: inspection?.graph.commits.size ?? 0,
    },
    foreignAuthors: authorship?.foreignAuthors ?? [],
    signatures: authorship?.signatures,
  };
}

async function judgeOperation(
  services: PushServices,
  bare: Omit<Operation, 'paths' | 'findings'>,
  findings: readonly LocatedFinding[],
  context: ChangeContext,
  isFirst: boolean,
): Promise<Verdict> {
  const asks = services.policy.asksAboutPaths(bare);
  const told = findings.map((found) => found.finding);
  const decide = (paths: Operation['paths']): Verdict =>
    services.policy.decide({ ...bare, paths, findings: told }, services.clock.now());
  if (!asks || isFirst) return decide([]);
  const quick = await changedPaths(bare.refUpdates, context, 'quick');
  const verdict = decide(quick.paths);
  // Nobody is refused or told for paths that the push may not bring.
  if (quick.exact || (verdict.kind === 'allow' && verdict.monitored.length === 0)) return verdict;
  return decide((await changedPaths(bare.refUpdates, context, 'exact')).paths);
}

interface Judged {
  readonly capabilities: UpstreamCapabilities;
  readonly updates: readonly RefUpdate[];
  readonly findings: readonly LocatedFinding[];
  readonly inspection: Inspection | undefined;
  readonly verdict: Verdict;
  readonly authorship: Authorship;
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
      signatures: judged.authorship.signatures,
      foreignAuthors: judged.authorship.foreignAuthors.length,
      objects: inspection?.graph.index.count ?? 0,
      bytes: inspection?.bytes ?? 0,
      objectSetDigest: inspection?.graph.index.digest() ?? '',
      unreachedObjects: inspection?.graph.unreached().length ?? 0,
      catalogDigest: services.scanner.catalogDigest,
      fingerprintKey: services.scanner.fingerprintKey,
      reason: push.options.reason,
    },
  };
}
