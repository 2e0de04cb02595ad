// What people do on the fake GitHub: each changes the world as GitHub would and tells the apps about it.
import type { Account, FakeApp } from './account-state.ts';
import type { CheckRun } from './check-state.ts';
import type { Deliveries } from './deliveries.ts';
import type { Activity } from './settings-state.ts';
import type { PullRequest, Review } from './pull-state.ts';
import { repositoryJson, userJson } from './render-account.ts';
import { checkRunJson } from './render-check.ts';
import { commentJson, pullJson, reviewCommentJson, reviewJson } from './render-pull.ts';
import { accountOf, type Comment, type Repository, type World } from './world.ts';

export interface PullWish {
  readonly by: string;
  readonly head: string;
  /** The fork that has the branch. Default: the repository itself. */
  readonly fork?: Repository;
  /** Default: the default branch. */
  readonly base?: string;
  readonly title?: string;
  readonly body?: string | null;
}

type Merged = { readonly sha: string } | { readonly refused: number; readonly message: string };

export class FakeActions {
  readonly #world: World;
  readonly #deliveries: Deliveries;

  constructor(world: World, deliveries: Deliveries) {
    this.#world = world;
    this.#deliveries = deliveries;
  }

  #tell(
    event: string,
    repository: Repository,
    sender: Account,
    payload: Readonly<Record<string, unknown>>,
  ): void {
    this.#deliveries.emit(event, repository, {
      ...payload,
      repository: repositoryJson(this.#world, repository),
      sender: userJson(this.#world, sender),
    });
  }

  #tellPull(
    action: string,
    repository: Repository,
    pull: PullRequest,
    sender: Account,
    more: object = {},
  ): void {
    this.#tell('pull_request', repository, sender, {
      action,
      number: pull.number,
      pull_request: pullJson(this.#world, repository, pull),
      ...more,
    });
  }

  /** Tells of a ref that was moved in the repository, whoever moved it; `before` and `after` are null for none. */
  async push(
    repository: Repository,
    ref: string,
    before: string | null,
    by: string,
    more: { readonly isForced?: boolean; readonly type?: Activity['type']; readonly pusher?: string } = {},
  ): Promise<void> {
    const none = '0'.repeat(40);
    const after = (await repository.git.refs())[ref] ?? none;
    const sender = accountOf(this.#world, by, by.endsWith('[bot]') ? 'Bot' : 'User');
    const [created, deleted] = [before === null, after === none];
    const usual = created
      ? 'branch_creation'
      : deleted
        ? 'branch_deletion'
        : more.isForced
          ? 'force_push'
          : 'push';
    repository.activities.unshift({
      id: this.#world.nextId(),
      ref,
      before: before ?? none,
      after,
      type: more.type ?? usual,
      actor: sender,
      at: this.#world.now(),
    });
    this.#tell('push', repository, sender, {
      ref,
      before: before ?? none,
      after,
      created,
      deleted,
      forced: more.isForced ?? false,
      base_ref: null,
      compare: '',
      commits: [],
      head_commit: null,
      pusher: { name: more.pusher ?? by },
    });
  }

  /** Gives a repository another name, and tells of it unless nobody is to hear. */
  renameRepository(repository: Repository, name: string, by: string, isTold = true): void {
    const { owner, name: from } = repository;
    this.#world.repositories.delete(`${owner.login}/${from}`.toLowerCase());
    repository.name = name;
    this.#world.repositories.set(`${owner.login}/${name}`.toLowerCase(), repository);
    const changes = { repository: { name: { from } } };
    if (isTold)
      this.#tell('repository', repository, accountOf(this.#world, by), { action: 'renamed', changes });
  }

  /** Tells of a branch that somebody has created, as GitHub does beside the push. */
  createdRef(repository: Repository, branch: string, by: string): void {
    this.#tell('create', repository, accountOf(this.#world, by), {
      ref: branch,
      ref_type: 'branch',
      full_ref: `refs/heads/${branch}`,
      master_branch: repository.defaultBranch,
      description: null,
      pusher_type: 'user',
    });
  }

  /** Opens a pull request. Its commits are in the repository itself, whoever may read the fork. */
  async openPull(repository: Repository, wish: PullWish): Promise<PullRequest> {
    const base = wish.base ?? repository.defaultBranch;
    const number = Math.max(0, ...repository.pulls.keys()) + 1;
    const from = wish.fork ?? repository;
    const headSha = await from.git.git('rev-parse', `refs/heads/${wish.head}`);
    const baseSha = await repository.git.git('rev-parse', `refs/heads/${base}`);
    await this.#follow(repository, from, wish.head, number);
    const pull: PullRequest = {
      id: this.#world.nextId(),
      number,
      user: accountOf(this.#world, wish.by),
      baseRef: base,
      headRef: wish.head,
      headRepository: `${from.owner.login}/${from.name}`,
      createdAt: this.#world.now(),
      updatedAt: this.#world.now(),
      title: wish.title ?? 'A change',
      body: wish.body ?? null,
      isDraft: false,
      headSha,
      baseSha,
      merged: undefined,
      closedAt: undefined,
      reviews: [],
      reviewComments: [],
    };
    repository.pulls.set(number, pull);
    this.#tellPull('opened', repository, pull, pull.user);
    return pull;
  }

  /** Fetches the commits of a pull request to where it keeps them. */
  async #follow(repository: Repository, from: Repository, branch: string, number: number): Promise<void> {
    if (from === repository) return;
    const { git } = repository.git;
    await git('fetch', '--quiet', from.git.directory, `+refs/heads/${branch}:refs/pull/${number}/head`);
  }

  /** Takes the fork of a pull request away; the pull request stays. */
  deleteFork(fork: Repository): void {
    const name = `${fork.owner.login}/${fork.name}`;
    this.#world.repositories.delete(name.toLowerCase());
    for (const { pulls } of this.#world.repositories.values())
      for (const pull of pulls.values()) if (pull.headRepository === name) pull.headRepository = null;
  }

  /** Follows a branch that was pushed to, of the repository or of a fork. */
  async synchronize(
    repository: Repository,
    branch: string,
    { by, fork = repository }: { readonly by?: string; readonly fork?: Repository } = {},
  ): Promise<void> {
    const sha = await fork.git.git('rev-parse', `refs/heads/${branch}`);
    const name = `${fork.owner.login}/${fork.name}`;
    for (const pull of repository.pulls.values()) {
      if (pull.closedAt !== undefined || pull.headRef !== branch || pull.headSha === sha) continue;
      if (pull.headRepository !== name) continue;
      await this.#follow(repository, fork, branch, pull.number);
      const before = pull.headSha;
      pull.headSha = sha;
      pull.updatedAt = this.#world.now();
      const sender = by === undefined ? pull.user : accountOf(this.#world, by);
      this.#tellPull('synchronize', repository, pull, sender, { before, after: sha });
    }
  }

  edit(
    repository: Repository,
    pull: PullRequest,
    change: Partial<Pick<PullRequest, 'title' | 'body'>>,
  ): void {
    Object.assign(pull, change, { updatedAt: this.#world.now() });
    this.#tellPull('edited', repository, pull, pull.user, { changes: {} });
  }

  close(repository: Repository, pull: PullRequest): void {
    pull.closedAt = this.#world.now();
    this.#tellPull('closed', repository, pull, pull.user);
  }

  comment(repository: Repository, issue: number, by: string, body: string): Comment {
    const user = accountOf(this.#world, by);
    const now = this.#world.now();
    const comment: Comment = { id: this.#world.nextId(), issue, user, body, createdAt: now, updatedAt: now };
    repository.comments.push(comment);
    this.#tellComment('created', repository, comment);
    return comment;
  }

  editComment(repository: Repository, comment: Comment, body: string): void {
    comment.body = body;
    comment.updatedAt = this.#world.now();
    this.#tellComment('edited', repository, comment);
  }

  #tellComment(action: string, repository: Repository, comment: Comment): void {
    const pull = repository.pulls.get(comment.issue);
    this.#tell('issue_comment', repository, comment.user, {
      action,
      issue: {
        number: comment.issue,
        ...(pull && { pull_request: { url: pullJson(this.#world, repository, pull).url } }),
      },
      comment: commentJson(this.#world, repository, comment),
    });
  }

  review(repository: Repository, pull: PullRequest, by: string, state: Review['state'], body = ''): Review {
    const review: Review = {
      id: this.#world.nextId(),
      user: accountOf(this.#world, by),
      body,
      state,
      commit: pull.headSha,
      submittedAt: this.#world.now(),
    };
    pull.reviews.push(review);
    this.#tell('pull_request_review', repository, review.user, {
      action: state === 'DISMISSED' ? 'dismissed' : 'submitted',
      review: reviewJson(this.#world, repository, pull, review),
      pull_request: pullJson(this.#world, repository, pull),
    });
    return review;
  }

  reviewComment(repository: Repository, pull: PullRequest, by: string, path: string, body: string): void {
    const now = this.#world.now();
    const comment = {
      id: this.#world.nextId(),
      review: this.#world.nextId(),
      user: accountOf(this.#world, by),
      body,
      path,
      line: 1,
      commit: pull.headSha,
      createdAt: now,
      updatedAt: now,
    };
    pull.reviewComments.push(comment);
    this.#tell('pull_request_review_comment', repository, comment.user, {
      action: 'created',
      comment: reviewCommentJson(this.#world, repository, pull, comment),
      pull_request: pullJson(this.#world, repository, pull),
    });
  }

  /** Presses a button of a check. The webhook goes to the app whose check it is. */
  press(repository: Repository, run: CheckRun, identifier: string, by: string): void {
    this.#tell('check_run', repository, accountOf(this.#world, by), {
      action: 'requested_action',
      requested_action: { identifier },
      check_run: checkRunJson(this.#world, repository, run),
    });
  }

  rerequest(repository: Repository, run: CheckRun, by: string): void {
    this.#tell('check_run', repository, accountOf(this.#world, by), {
      action: 'rerequested',
      check_run: checkRunJson(this.#world, repository, run),
    });
  }

  /** Puts a commit into the merge queue: `sha` is what would be merged. */
  queue(repository: Repository, sha: string, baseSha: string, by: string): void {
    this.#tell('merge_group', repository, accountOf(this.#world, by), {
      action: 'checks_requested',
      merge_group: {
        head_sha: sha,
        head_ref: `refs/heads/gh-readonly-queue/${repository.defaultBranch}/pr-1-${sha}`,
        base_sha: baseSha,
        base_ref: `refs/heads/${repository.defaultBranch}`,
        head_commit: {},
      },
    });
  }

  /** Merges as GitHub does: only the commit that is asked for, only what its rules let pass. */
  async merge(
    repository: Repository,
    pull: PullRequest,
    by: Account,
    { sha, method }: { readonly sha: string | undefined; readonly method: 'merge' | 'squash' | 'rebase' },
  ): Promise<Merged> {
    if (pull.closedAt !== undefined) return { refused: 405, message: 'Pull Request is not mergeable' };
    if (sha !== undefined && sha !== pull.headSha)
      return { refused: 409, message: 'Head branch was modified. Review and try the merge again.' };
    if (!repository.mergeMethods.includes(method))
      return { refused: 405, message: `${method} merges are not allowed on this repository.` };
    const missing = this.#unmetChecks(repository, pull);
    if (missing.length > 0)
      return { refused: 405, message: `Required status check "${missing[0]}" is expected.` };
    const { git } = repository.git;
    const base = await git('rev-parse', `refs/heads/${pull.baseRef}`);
    const tree = await git('merge-tree', '--write-tree', base, pull.headSha).catch(() => undefined);
    if (tree === undefined) return { refused: 405, message: 'Pull Request is not mergeable' };
    const parents = method === 'merge' ? ['-p', base, '-p', pull.headSha] : ['-p', base];
    const merged = await git('commit-tree', tree, ...parents, '-m', `${pull.title} (#${pull.number})`);
    await git('update-ref', `refs/heads/${pull.baseRef}`, merged, base);
    pull.merged = { sha: merged, by, at: this.#world.now() };
    this.close(repository, pull);
    await this.push(repository, `refs/heads/${pull.baseRef}`, base, by.login, { type: 'pr_merge' });
    return { sha: merged };
  }

  /** Contexts that a rule requires and that have not succeeded for the head. */
  #unmetChecks(repository: Repository, pull: PullRequest): readonly string[] {
    const required = repository.rules
      .filter(({ branch, type }) => branch === pull.baseRef && type === 'required_status_checks')
      .flatMap(
        ({ parameters }) => (parameters?.['required_status_checks'] ?? []) as readonly RequiredCheck[],
      );
    return required
      .filter(({ context, integration_id: by }) => !this.#isMet(repository, pull.headSha, context, by))
      .map(({ context }) => context);
  }

  #isMet(repository: Repository, sha: string, context: string, app: FakeApp['id'] | undefined): boolean {
    const run = [...repository.checkRuns.values()].findLast(
      (one) => one.headSha === sha && one.name === context && (app === undefined || one.app.id === app),
    );
    const status = repository.statuses.findLast((one) => one.sha === sha && one.context === context);
    return (
      ['success', 'neutral', 'skipped'].includes(run?.conclusion ?? '') ||
      (app === undefined && status?.state === 'success')
    );
  }
}

interface RequiredCheck {
  readonly context: string;
  readonly integration_id?: number;
}
