// A pull request as GitHub tells it now, with everything that people wrote in it. All texts are attacker-controlled.
import { z } from 'zod';
import { type Oid, parseOid } from '../../core/oid.ts';
import type { Hub } from '../hub.ts';

const oid = z.string().transform((text, context): Oid => {
  const parsed = parseOid(text, text.length === 64 ? 'sha256' : 'sha1');
  if (parsed !== undefined) return parsed;
  context.addIssue({ code: 'custom', message: 'expected an object id' });
  return z.NEVER;
});

const user = z
  .object({ login: z.string().max(200), id: z.int(), type: z.string() })
  .nullable()
  // GitHub calls the author of what a deleted account left so.
  .transform((value) => value ?? { login: 'ghost', id: 10_137, type: 'User' });
export type GithubUser = z.output<typeof user>;

const pullAnswer = z.object({
  number: z.int(),
  html_url: z.string(),
  title: z.string(),
  body: z.string().nullable(),
  state: z.enum(['open', 'closed']),
  merged: z.boolean(),
  merge_commit_sha: z.string().nullable(),
  mergeable_state: z.string(),
  user,
  head: z.object({ sha: oid, ref: z.string() }),
  base: z.object({
    sha: oid,
    ref: z.string(),
    repo: z.object({
      full_name: z.string(),
      default_branch: z.string(),
      allow_merge_commit: z.boolean().optional(),
      allow_squash_merge: z.boolean().optional(),
      allow_rebase_merge: z.boolean().optional(),
    }),
  }),
});
export type Pull = z.output<typeof pullAnswer>;

const readPermissions = { pull_requests: 'read' } as const;

export interface PullPlace {
  readonly repository: string;
  readonly number: number;
  readonly signal: AbortSignal;
}

/** The pull request itself. Rejects as `GithubApi.ask` does. */
export function readPull({ api }: Hub, { repository, number, signal }: PullPlace): Promise<Pull> {
  return api.ask({
    repository,
    signal,
    route: 'GET /repos/{owner}/{repo}/pulls/{pull_number}',
    parameters: { pull_number: number },
    permissions: readPermissions,
    answer: pullAnswer,
  });
}

/** Something that somebody wrote. */
export interface Spoken {
  /** Where it stands, for people. */
  readonly label: string;
  readonly url: string | null;
  readonly text: string;
}

export interface Review {
  readonly id: number;
  readonly user: GithubUser;
  readonly state: string;
  readonly commit: string | null;
}

export interface Conversation {
  readonly spoken: readonly Spoken[];
  /** Oldest first. */
  readonly reviews: readonly Review[];
}

const commentAnswer = z.object({ id: z.int(), html_url: z.string(), body: z.string().nullish() });
const reviewAnswer = z.object({
  id: z.int(),
  html_url: z.string(),
  body: z.string().nullish(),
  state: z.string(),
  commit_id: z.string().nullable(),
  user,
});

/** Title, description, branch, comments and reviews; the guard's own comment is left out. */
export async function readConversation(
  { api }: Hub,
  place: PullPlace,
  pull: Pull,
  ownComment: number | null,
): Promise<Conversation> {
  const { repository, number, signal } = place;
  const list = <T>(route: string, parameters: Readonly<Record<string, number>>, answer: z.ZodType<T>) =>
    api.askAll({ repository, signal, route, parameters, permissions: readPermissions, answer });
  const [comments, reviews, remarks] = await Promise.all([
    list('GET /repos/{owner}/{repo}/issues/{issue_number}/comments', { issue_number: number }, commentAnswer),
    list('GET /repos/{owner}/{repo}/pulls/{pull_number}/reviews', { pull_number: number }, reviewAnswer),
    list('GET /repos/{owner}/{repo}/pulls/{pull_number}/comments', { pull_number: number }, commentAnswer),
  ]);
  const said = (
    label: string,
    each: { readonly html_url: string; readonly body?: string | null | undefined },
  ) => ({
    label,
    url: each.html_url,
    text: each.body ?? '',
  });
  const spoken = [
    { label: 'title', url: pull.html_url, text: pull.title },
    { label: 'description', url: pull.html_url, text: pull.body ?? '' },
    { label: 'branch name', url: pull.html_url, text: pull.head.ref },
    ...comments.filter(({ id }) => id !== ownComment).map((each) => said('comment', each)),
    ...reviews.map((each) => said('review', each)),
    ...remarks.map((each) => said('review comment', each)),
  ];
  return {
    spoken: spoken.filter(({ text }) => text !== ''),
    reviews: reviews.map(({ id, state, commit_id, user: by }) => ({
      id,
      state,
      commit: commit_id,
      user: by,
    })),
  };
}

const commitAnswer = z.object({
  author: z.object({ login: z.string().optional() }).nullable(),
  committer: z.object({ login: z.string().optional() }).nullable(),
});

/** Login names, in lower case, of everybody who wrote or committed a part of it. GitHub tells of 250 commits. */
export async function readAuthors(
  { api }: Hub,
  { repository, number, signal }: PullPlace,
): Promise<ReadonlySet<string>> {
  const commits = await api.askAll({
    repository,
    signal,
    route: 'GET /repos/{owner}/{repo}/pulls/{pull_number}/commits',
    parameters: { pull_number: number },
    permissions: readPermissions,
    answer: commitAnswer,
  });
  const logins = commits.flatMap(({ author, committer }) => [author?.login, committer?.login]);
  return new Set(logins.flatMap((login) => (login === undefined ? [] : [login.toLowerCase()])));
}
