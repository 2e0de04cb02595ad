// Why a push that the guard did not forward may be right all the same: GitHub made it itself, the configuration lets it
// pass, or it is the merge of what the guard's check let pass. What a webhook says of it is only where to look.
import { z } from 'zod';
import { compileGlobs } from '../../core/glob.ts';
import { GithubRefusal } from '../api.ts';
import { type Hub, type HubServices, repositoryId } from '../hub.ts';
import type { ToldPush } from '../work.ts';
import { findPassed } from './ledger-store.ts';

/** A pull request that GitHub says was merged by the push. */
export interface MergedPull {
  readonly number: number;
  readonly head: string;
  readonly author: { readonly login: string; readonly id: number; readonly type: string };
  /** How the guard let it pass; undefined where it did not. */
  readonly passed: 'passed' | 'approved' | undefined;
}

export type Explanation =
  | { readonly kind: 'github' | 'exempt' | 'queue' | 'housekeeping' }
  | { readonly kind: 'merge'; readonly pull: MergedPull }
  | { readonly kind: 'none' };

/** Refs that GitHub writes and lets nobody else write; what comes out of a queue is looked at where it lands. */
export const isOfGithub = (ref: string): boolean => ref.startsWith('refs/heads/gh-readonly-queue/');

/** True for the id that stands for no object. */
export const isNone = (oid: string): boolean => /^0+$/.test(oid);

/** Looks for a reason. Rejects as `GithubApi.ask` does. */
export async function explainPush(
  services: HubServices,
  hub: Hub,
  place: { readonly repository: string; readonly signal: AbortSignal },
  push: ToldPush,
): Promise<Explanation> {
  if (isOfGithub(push.ref)) return { kind: 'github' };
  const login = push.by?.login.toLowerCase();
  const isExempt = hub.app.bypass.exempt.some(
    ({ logins, refs }) =>
      login !== undefined &&
      compileGlobs(logins.map((text) => text.toLowerCase()))(login) &&
      compileGlobs(refs)(push.ref),
  );
  if (isExempt) return { kind: 'exempt' };
  const branch = /^refs\/heads\/(.+)$/.exec(push.ref)?.[1];
  if (branch === undefined) return { kind: 'none' };
  if (isNone(push.after)) {
    const pulls = await pullsOf(hub, place, push.before);
    const isDone = pulls.some(
      (pull) => pull.merged_at !== null && pull.head.sha === push.before && pull.head.ref === branch,
    );
    return { kind: isDone ? 'housekeeping' : 'none' };
  }
  if (isNone(push.before)) return { kind: 'none' };
  if (await isQueued(services, hub, place.repository, push)) return { kind: 'queue' };
  const pulls = await pullsOf(hub, place, push.after);
  const merged = pulls.find(
    (pull) => pull.merged_at !== null && pull.merge_commit_sha === push.after && pull.base.ref === branch,
  );
  if (merged === undefined) return { kind: 'none' };
  const { number, head, user } = merged;
  const found = await findPassed(
    services.database,
    repositoryId(hub, place.repository),
    `pull/${number}`,
    head.sha,
  );
  return {
    kind: 'merge',
    pull: { number, head: head.sha, author: user ?? ghost, passed: found?.state },
  };
}

const ghost = { login: 'ghost', id: 10_137, type: 'User' };
const mostGroups = 100;

/** True where the guard let the very commit pass in a merge queue, and each one between it and what was there. */
async function isQueued(
  { database }: HubServices,
  hub: Hub,
  repository: string,
  { before, after }: ToldPush,
): Promise<boolean> {
  let at = after;
  for (let steps = 0; steps < mostGroups; steps += 1) {
    const group = await findPassed(database, repositoryId(hub, repository), 'queue', at);
    if (group === undefined) return false;
    if (group.base === before) return true;
    at = group.base;
  }
  return false;
}

const pullAnswer = z.object({
  number: z.int(),
  merged_at: z.string().nullable(),
  merge_commit_sha: z.string().nullable(),
  head: z.object({ sha: z.string(), ref: z.string() }),
  base: z.object({ ref: z.string() }),
  user: z.object({ login: z.string(), id: z.int(), type: z.string() }).nullable(),
});

/** Pull requests with this commit; none where GitHub does not know the commit. */
async function pullsOf(
  { api }: Hub,
  { repository, signal }: { readonly repository: string; readonly signal: AbortSignal },
  commit: string,
): Promise<readonly z.output<typeof pullAnswer>[]> {
  try {
    return await api.ask({
      repository,
      signal,
      route: 'GET /repos/{owner}/{repo}/commits/{commit_sha}/pulls',
      parameters: { commit_sha: commit, per_page: 100 },
      permissions: { pull_requests: 'read' },
      answer: z.array(pullAnswer),
    });
  } catch (thrown) {
    if (thrown instanceof GithubRefusal && [404, 409, 422].includes(thrown.status)) return [];
    throw thrown;
  }
}
