// What the event that started the workflow asks to be scanned. The payload's names and texts were written by whoever
// caused the event; the commits in it are told by the forge.
import { z } from 'zod';
import { GuardError } from '../core/errors.ts';
import type { ScanTarget } from '../scanners/target.ts';

/** Where a change may begin. */
export type Start =
  { readonly kind: 'commit'; readonly oid: string } | { readonly kind: 'branch'; readonly name: string };

/** A text of the event that is part of the change. */
export interface EventText {
  readonly target: ScanTarget;
  readonly text: string;
}

export type Asked =
  | {
      readonly kind: 'change';
      /** Tried in this order; none where the change is all of its history. */
      readonly starts: readonly Start[];
      readonly head: string;
      readonly texts: readonly EventText[];
      /** Commits of the change, where the event tells. */
      readonly commits: number | undefined;
      /** True for the pull request of another repository, whose runs have no identity. */
      readonly fromFork: boolean;
    }
  | { readonly kind: 'tree' }
  | { readonly kind: 'nothing'; readonly reason: string };

const oid = z.string().regex(/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/);
const branch = z
  .string()
  .min(1)
  .max(1000)
  .regex(/^[^\0-\x20\x7f~^:?*[\\-][^\0-\x20\x7f~^:?*[\\]*$/);

const pullRequest = z.object({
  pull_request: z.object({
    title: z.string(),
    body: z.string().nullish(),
    commits: z.int().min(0).optional(),
    base: z.object({ sha: oid, ref: branch, repo: z.object({ id: z.int() }) }),
    // Null where the fork is gone.
    head: z.object({ sha: oid, ref: z.string(), repo: z.object({ id: z.int() }).nullish() }),
  }),
});
const push = z.object({
  ref: z.string(),
  before: oid,
  after: oid,
  deleted: z.boolean().optional(),
  repository: z.object({ default_branch: branch }),
});
const mergeGroup = z.object({
  merge_group: z.object({ base_sha: oid, head_sha: oid, base_ref: z.string() }),
});

/**
 * Reads the payload of an event. What has no change of its own (a schedule, a manual run) asks for the whole tree.
 * Throws `GuardError` `input/invalid` where the payload of a change is not as documented.
 */
export function readEvent(name: string, payload: unknown): Asked {
  switch (name) {
    case 'pull_request':
    case 'pull_request_target':
    case 'pull_request_review':
    case 'pull_request_review_comment':
      return fromPullRequest(parsed(pullRequest, name, payload));
    case 'push':
      return fromPush(parsed(push, name, payload));
    case 'merge_group': {
      const { base_sha, head_sha } = parsed(mergeGroup, name, payload).merge_group;
      return {
        kind: 'change',
        starts: [at(base_sha)],
        head: head_sha,
        texts: [],
        commits: undefined,
        fromFork: false,
      };
    }
    default:
      return { kind: 'tree' };
  }
}

function parsed<T>(schema: z.ZodType<T>, name: string, payload: unknown): T {
  const read = schema.safeParse(payload);
  if (read.success) return read.data;
  const where = read.error.issues.map(({ path }) => path.join('.')).join(', ');
  throw new GuardError('input/invalid', `the payload of the event ${name} is not as documented: ${where}`);
}

function fromPullRequest({
  pull_request: { title, body, commits, base, head },
}: z.infer<typeof pullRequest>): Asked {
  return {
    kind: 'change',
    starts: [at(base.sha), { kind: 'branch', name: base.ref }],
    head: head.sha,
    texts: [
      { target: { kind: 'message', path: 'pull request title' }, text: title },
      { target: { kind: 'message', path: 'pull request description' }, text: body ?? '' },
      { target: { kind: 'names', path: 'branch name' }, text: head.ref },
    ],
    commits,
    fromFork: base.repo.id !== head.repo?.id,
  };
}

function fromPush({ ref, before, after, deleted, repository }: z.infer<typeof push>): Asked {
  if (deleted === true || isNull(after)) return { kind: 'nothing', reason: 'the push deletes a ref' };
  const main = repository.default_branch;
  // What a forced push replaced may be gone; then the change is what the default branch has not.
  const starts: readonly Start[] = [
    ...(isNull(before) ? [] : [at(before)]),
    ...(ref === `refs/heads/${main}` ? [] : [{ kind: 'branch', name: main } as const]),
  ];
  const texts = [{ target: { kind: 'names', path: 'ref name' } as const, text: ref }];
  return { kind: 'change', starts, head: after, texts, commits: undefined, fromFork: false };
}

function at(commit: string): Start {
  return { kind: 'commit', oid: commit };
}

function isNull(id: string): boolean {
  return /^0+$/.test(id);
}
