// A run of a workflow that is looked at, and everything that its logs and artifacts have in common.
import { createHash } from 'node:crypto';
import type { Json } from '../../core/audit-event.ts';
import type { ErrorCode } from '../../core/errors.ts';
import type { Operation } from '../../core/operation.ts';
import type { Principal } from '../../core/principal.ts';
import type { Verdict } from '../../core/verdict.ts';
import type { Finding } from '../../scanners/finding.ts';
import { type Hub, type HubServices, repositoryId } from '../hub.ts';
import { actorBehind } from './run-actor.ts';
import type { ItemIdentity } from './scanned-event.ts';
import { shownName } from '../shown-names.ts';
import { readRun, type RunPlace, type WorkflowRun } from './workflow-run.ts';
import type { ItemKey, ItemKind } from './workflow-store.ts';

export interface RunScene {
  readonly services: HubServices;
  readonly hub: Hub;
  readonly place: RunPlace;
  readonly run: WorkflowRun;
  /** True once it was tried often. */
  readonly isLastTry: boolean;
}

/** True where what was there from `since` on has had its time, and it was tried often. */
export function isTooLate(
  { services, isLastTry }: Pick<RunScene, 'services' | 'isLastTry'>,
  since: Date | null,
): boolean {
  return isLastTry && (since?.getTime() ?? 0) + patienceMs < services.clock.now().getTime();
}

/** Milliseconds from when something should be there until it counts as not there. */
export const patienceMs = 15 * 60_000;

/** What is no fault of what is looked at, however often it comes. */
export const waitedFor: ReadonlySet<ErrorCode> = new Set([
  'request/cancelled',
  'upstream/rate-limited',
  'database/unavailable',
  'audit/unavailable',
]);

/** Where an item is remembered. */
export function keyOf({ hub }: Pick<RunScene, 'hub'>, kind: ItemKind, id: number): ItemKey {
  return { forge: hub.forge, kind, id };
}

/** What entries about an item say, who is behind it included. The id of the request is always the same for it. */
export async function identityOf(
  scene: RunScene,
  kind: ItemKind,
  item: { readonly id: number; readonly attempt: number; readonly name: string },
): Promise<ItemIdentity> {
  const { services, hub, place, run } = scene;
  const ofAttempt = item.attempt === run.run_attempt ? run : await readRun(hub, place, item.attempt);
  const what = kind === 'log' ? 'job' : 'artifact';
  const where: Readonly<Record<string, Json>> = {
    run: run.id,
    attempt: item.attempt,
    [what]: item.id,
    title: await shownName(services.scanner, item.name, place.signal),
    head: run.head_sha,
    startedBy: ofAttempt.triggering_actor.login,
  };
  return {
    kind,
    where,
    request: requestOf(hub, kind, item.id),
    actor: await actorBehind(services, hub, place.repository, ofAttempt),
    repository: repositoryId(hub, place.repository),
  };
}

/** What ties all entries about an item together. */
export function requestOf({ forge }: Pick<Hub, 'forge'>, kind: ItemKind, id: number): string {
  return createHash('sha256')
    .update(JSON.stringify([forge, kind, id]))
    .digest('hex')
    .slice(0, 16);
}

/** Asks the policy: a log is a `log`, an artifact something that a `workflow` leaves behind. */
export function judgeItem(
  { policy, clock }: Pick<HubServices, 'policy' | 'clock'>,
  kind: ItemKind,
  {
    actor,
    repository,
    bytes,
    findings,
  }: {
    readonly actor: Principal;
    readonly repository: string;
    readonly bytes: number;
    readonly findings: readonly Finding[];
  },
): Verdict {
  const operation: Operation = {
    kind: kind === 'log' ? 'log' : 'workflow',
    actor,
    repository,
    refUpdates: [],
    paths: [],
    size: { bytes, objects: 0, commits: 0 },
    foreignAuthors: [],
    findings,
  };
  return policy.decide(operation, clock.now());
}
