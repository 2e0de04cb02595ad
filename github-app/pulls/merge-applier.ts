// Carries out what was approved: looks once more whether the approval still covers the change, turns the check green and,
// where the guard merges, merges exactly the approved commit. Called by one worker at a time for one approval.
import { z } from 'zod';
import type { Approval } from '../../core/approval.ts';
import { findingsDigest } from '../../core/approval/binding.ts';
import { uncovered } from '../../core/approval/coverage.ts';
import { asGuardError, GuardError } from '../../core/errors.ts';
import type { ApplyOutcome, ApprovalApplier } from '../../core/services.ts';
import { GithubRefusal } from '../api.ts';
import { allowedMethods, type Method, readRules } from './branch-rules.ts';
import { evaluatePull } from './evaluate-pull.ts';
import type { Hub, HubServices } from '../hub.ts';
import { look } from './look.ts';
import { oneLine } from '../markdown.ts';
import { type Pull, type PullPlace, readPull } from './pull.ts';
import { unmetChecks } from './required-checks.ts';

export interface MergeServices extends HubServices {
  /** The GitHub of this name. */
  readonly hubOf: (forge: string) => Hub | undefined;
}

/** The applier of merges. */
export function createMergeApplier(services: MergeServices): ApprovalApplier {
  return {
    apply: async (approval, signal) => {
      const found = placeOf(services, approval, signal);
      if (found === undefined) return { kind: 'failed', note: 'This GitHub is not configured any more.' };
      try {
        return await apply(services, found.hub, found.place, approval);
      } catch (thrown) {
        return laterOrThrow(thrown, signal);
      }
    },
    settle: async (approval, signal) => {
      const found = placeOf(services, approval, signal);
      if (found === undefined) return { kind: 'failed', note: 'This GitHub is not configured any more.' };
      return (await whatBecame(found.hub, found.place, approval)) ?? { kind: 'untouched' };
    },
    // Nothing is held but the request: the bytes are at GitHub.
    discard: async () => undefined,
  };
}

/** `held` names the pull request: `<forge>/<owner>/<repo>#<number>@<request>`. */
function placeOf(
  { hubOf }: MergeServices,
  { held }: Approval,
  signal: AbortSignal,
): { readonly hub: Hub; readonly place: PullPlace } | undefined {
  const [, forge = '', repository = '', number = ''] =
    /^([^/]+)\/([^/]+\/[^/]+)#(\d+)@[0-9a-f]+$/.exec(held) ?? [];
  const hub = hubOf(forge);
  return hub === undefined ? undefined : { hub, place: { repository, number: Number(number), signal } };
}

/** Where the pull request is no longer open, what that means; undefined where it can still be merged. */
async function whatBecame(hub: Hub, place: PullPlace, approval: Approval): Promise<ApplyOutcome | undefined> {
  const pull = await readPull(hub, place);
  const isBound = pull.head.sha === approval.binding.refUpdates[0]?.newOid;
  if (pull.merged)
    return isBound
      ? { kind: 'applied', note: `Merged as ${pull.merge_commit_sha ?? 'an unknown commit'}.` }
      : { kind: 'stale', note: 'Another commit than the approved one was merged.' };
  if (!isBound) return { kind: 'stale', note: 'There are newer commits than the approved one.' };
  return pull.state === 'closed' ? { kind: 'stale', note: 'The pull request was closed.' } : undefined;
}

async function apply(
  services: MergeServices,
  hub: Hub,
  place: PullPlace,
  approval: Approval,
): Promise<ApplyOutcome> {
  const over = await whatBecame(hub, place, approval);
  if (over !== undefined) return over;
  const pull = await readPull(hub, place);
  const { judged } = await look(services, hub, place, pull, undefined);
  const why = uncovered(approval, {
    verdict: judged.verdict,
    objectSetDigest: judged.scan.digest,
    findingsDigest: findingsDigest(judged.told.map(({ finding }) => finding)),
  });
  if (why !== undefined) return { kind: 'stale', note: `${why} Re-scan, so that it is decided anew.` };
  // The check is green before the merge: GitHub may ask for it.
  await evaluatePull(services, hub, place, { isForced: false, isRetry: false });
  if (hub.app.merge === 'people') return { kind: 'applied', note: null };
  const rules = await readRules(hub, place, pull);
  const unmet = await unmetChecks(hub, place, pull, rules);
  if (unmet.failed.length > 0)
    return {
      kind: 'failed',
      note: `Another required check has failed: ${oneLine(unmet.failed.join(', '))}.`,
    };
  if (unmet.open.length > 0)
    return { kind: 'later', note: `It waits for other required checks: ${oneLine(unmet.open.join(', '))}.` };
  return merge(hub, place, pull, hub.app.mergeMethod ?? allowedMethods(pull, rules)[0]);
}

const mergeAnswer = z.object({ sha: z.string(), merged: z.boolean() });

/** Merges this commit and no other; an answer that is lost leaves the end unknown. */
async function merge(
  hub: Hub,
  { repository, number, signal }: PullPlace,
  pull: Pull,
  method: Method | undefined,
): Promise<ApplyOutcome> {
  if (method === undefined)
    return { kind: 'failed', note: 'Repository and rules of the branch together allow no way to merge.' };
  try {
    const { sha } = await hub.api.ask({
      repository,
      signal,
      route: 'PUT /repos/{owner}/{repo}/pulls/{pull_number}/merge',
      parameters: {
        pull_number: number,
        sha: pull.head.sha,
        merge_method: method,
      },
      permissions: { contents: 'write', pull_requests: 'write' },
      answer: mergeAnswer,
      mayRepeat: false,
    });
    return { kind: 'applied', note: `Merged as ${sha}.` };
  } catch (thrown) {
    if (!(thrown instanceof GithubRefusal)) throw thrown;
    if (thrown.status === 409)
      return { kind: 'stale', note: 'There are newer commits than the approved one.' };
    return {
      kind: 'failed',
      note: `GitHub did not merge it (${thrown.status}): ${oneLine(thrown.message, 300)}`,
    };
  }
}

const notSent: ReadonlySet<string> = new Set([
  'upstream/rate-limited',
  'upstream/suspended',
  'upstream/no-credential',
  'upstream/unauthorized',
  'database/unavailable',
  'audit/unavailable',
  'scan/failed',
]);

/** What GitHub did not take is tried again; where it may have taken it, the next attempt finds out first. */
function laterOrThrow(thrown: unknown, signal: AbortSignal): ApplyOutcome {
  const error = asGuardError(thrown, 'internal', "couldn't carry out what was approved");
  if (signal.aborted) throw thrown instanceof Error ? thrown : error;
  if (notSent.has(error.code))
    return { kind: 'later', note: `${oneLine(error.message, 300)} [${error.code}]` };
  if (thrown instanceof GithubRefusal)
    return { kind: 'failed', note: `GitHub refused it (${thrown.status}): ${oneLine(thrown.message, 300)}` };
  throw error instanceof GuardError ? error : new Error('unknown');
}
