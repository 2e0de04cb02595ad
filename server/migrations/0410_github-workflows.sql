-- Logs and artifacts of workflow runs of a GitHub: what the guard has looked at, and what became of it there.

create table github_workflow_item (
  forge text not null,
  -- Lower case.
  repository text not null,
  -- `log`: of a job; `artifact`.
  kind text not null check (kind in ('log', 'artifact')),
  -- Of the job or the artifact, at GitHub.
  id bigint not null,
  run bigint not null,
  attempt integer not null,
  -- Ties its entries of the audit log together.
  request text not null,
  -- `clean`: no rule acts on it; `found`: some does; `unread`: it could not be looked at, or not to its end; `absent`:
  -- there is none.
  state text not null check (state in ('clean', 'found', 'unread', 'absent')),
  -- When the first value in it could be read by others.
  exposed_since timestamptz,
  -- When the redacted copy, or the list of files, was kept.
  kept_at timestamptz,
  -- Attempts to delete it that have failed.
  failures integer not null default 0,
  deleted_at timestamptz,
  looked_at timestamptz not null default clock_timestamp(),
  primary key (forge, kind, id)
);

create index github_workflow_item_run on github_workflow_item (forge, repository, run);
create index github_workflow_item_age on github_workflow_item (looked_at);

-- Which push brought a commit.
create index activity_attempt_commits on activity_attempt using gin ((facts -> 'refs') jsonb_path_ops)
  where family = 'push';
