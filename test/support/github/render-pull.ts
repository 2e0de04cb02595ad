// Pull requests and what is said about them, as GitHub's REST API writes it.
import type { PullRequest, Review, ReviewComment } from './pull-state.ts';
import { instant, nodeId, repositoryJson, userJson } from './render-account.ts';
import { type Comment, type Repository, repositoryOf, type World } from './world.ts';

const links = {
  self: '',
  html: '',
  issue: '/issue',
  comments: '/comments',
  review_comments: '/review-comments',
  review_comment: '/review-comments{/number}',
  commits: '/commits',
  statuses: '/statuses',
} as const;

/** Where a repository is in the API. */
export const apiOf = (world: World, { owner, name }: Repository): string =>
  `${world.apiUrl}/repos/${owner.login}/${name}`;

/** A pull request with its counts. */
export function pullJson(world: World, repository: Repository, pull: PullRequest) {
  const api = `${apiOf(world, repository)}/pulls/${pull.number}`;
  const html = `${world.url}/${repository.owner.login}/${repository.name}/pull/${pull.number}`;
  const [headOwner = '', headName = ''] = (pull.headRepository ?? '').split('/');
  const head = repositoryOf(world, headOwner, headName);
  const isOpen = pull.closedAt === undefined;
  return {
    id: pull.id,
    node_id: nodeId('PR', pull.id),
    number: pull.number,
    url: api,
    html_url: html,
    diff_url: `${html}.diff`,
    patch_url: `${html}.patch`,
    issue_url: `${apiOf(world, repository)}/issues/${pull.number}`,
    commits_url: `${api}/commits`,
    review_comments_url: `${api}/comments`,
    review_comment_url: `${api}/comments{/number}`,
    comments_url: `${apiOf(world, repository)}/issues/${pull.number}/comments`,
    statuses_url: `${apiOf(world, repository)}/statuses/${pull.headSha}`,
    _links: Object.fromEntries(
      Object.entries(links).map(([name, path]) => [name, { href: `${api}${path}` }]),
    ),
    state: isOpen ? 'open' : 'closed',
    locked: false,
    draft: pull.isDraft,
    title: pull.title,
    body: pull.body,
    user: userJson(world, pull.user),
    labels: [],
    milestone: null,
    assignee: null,
    assignees: [],
    requested_reviewers: [],
    requested_teams: [],
    author_association: 'CONTRIBUTOR',
    auto_merge: null,
    created_at: instant(pull.createdAt),
    updated_at: instant(pull.updatedAt),
    closed_at: pull.closedAt === undefined ? null : instant(pull.closedAt),
    merged_at: pull.merged === undefined ? null : instant(pull.merged.at),
    merge_commit_sha: pull.merged?.sha ?? null,
    merged: pull.merged !== undefined,
    merged_by: pull.merged === undefined ? null : userJson(world, pull.merged.by),
    mergeable: isOpen ? true : null,
    mergeable_state: isOpen ? 'clean' : 'unknown',
    rebaseable: isOpen,
    maintainer_can_modify: false,
    comments: repository.comments.filter(({ issue }) => issue === pull.number).length,
    review_comments: pull.reviewComments.length,
    commits: 1,
    additions: 1,
    deletions: 0,
    changed_files: 1,
    head: sideJson(world, head, pull.headRef, pull.headSha),
    base: sideJson(world, repository, pull.baseRef, pull.baseSha),
  };
}

/** Of a fork that is gone GitHub tells the branch and the commit alone. */
function sideJson(world: World, repository: Repository | undefined, ref: string, sha: string) {
  if (repository === undefined)
    return { label: `unknown repository:${ref}`, ref, sha, user: null, repo: null };
  return {
    label: `${repository.owner.login}:${ref}`,
    ref,
    sha,
    user: userJson(world, repository.owner),
    repo: repositoryJson(world, repository),
  };
}

/** A comment on an issue or a pull request as a whole. */
export function commentJson(world: World, repository: Repository, comment: Comment) {
  const api = apiOf(world, repository);
  const html = `${world.url}/${repository.owner.login}/${repository.name}/pull/${comment.issue}`;
  return {
    id: comment.id,
    node_id: nodeId('IC', comment.id),
    url: `${api}/issues/comments/${comment.id}`,
    html_url: `${html}#issuecomment-${comment.id}`,
    issue_url: `${api}/issues/${comment.issue}`,
    user: userJson(world, comment.user),
    body: comment.body,
    created_at: instant(comment.createdAt),
    updated_at: instant(comment.updatedAt),
    author_association: 'CONTRIBUTOR',
  };
}

/** A review. */
export function reviewJson(world: World, repository: Repository, pull: PullRequest, review: Review) {
  const { html_url: html, url } = pullJson(world, repository, pull);
  return {
    id: review.id,
    node_id: nodeId('PRR', review.id),
    user: userJson(world, review.user),
    body: review.body,
    state: review.state,
    html_url: `${html}#pullrequestreview-${review.id}`,
    pull_request_url: url,
    _links: { html: { href: html }, pull_request: { href: url } },
    submitted_at: instant(review.submittedAt),
    commit_id: review.commit,
    author_association: 'CONTRIBUTOR',
  };
}

/** A comment on a line. */
export function reviewCommentJson(
  world: World,
  repository: Repository,
  pull: PullRequest,
  comment: ReviewComment,
) {
  const { html_url: html, url } = pullJson(world, repository, pull);
  return {
    id: comment.id,
    node_id: nodeId('PRRC', comment.id),
    pull_request_review_id: comment.review,
    url: `${apiOf(world, repository)}/pulls/comments/${comment.id}`,
    html_url: `${html}#discussion_r${comment.id}`,
    pull_request_url: url,
    diff_hunk: '@@ -0,0 +1 @@',
    path: comment.path,
    line: comment.line,
    original_line: comment.line,
    position: comment.line,
    original_position: comment.line,
    side: 'RIGHT',
    subject_type: 'line',
    commit_id: comment.commit,
    original_commit_id: comment.commit,
    user: userJson(world, comment.user),
    body: comment.body,
    created_at: instant(comment.createdAt),
    updated_at: instant(comment.updatedAt),
    author_association: 'CONTRIBUTOR',
    _links: { self: { href: url }, html: { href: html }, pull_request: { href: url } },
  };
}
