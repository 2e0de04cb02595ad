-- Pull requests and merge queues of a GitHub. Webhooks only say what to look at; what is there is asked of GitHub.

-- Webhooks that were taken in, so that one that comes again changes nothing.
create table github_delivery (
  forge text not null,
  guid text not null,
  at timestamptz not null default clock_timestamp(),
  primary key (forge, guid)
);

create index github_delivery_at on github_delivery (at);

-- What to look at. One row for each subject: whatever happens to it meanwhile is one more generation of the same work.
create table github_work (
  id bigint generated always as identity primary key,
  forge text not null,
  -- Lower case.
  repository text not null,
  kind text not null,
  subject text not null,
  -- What only the webhook says, such as who pressed a button; no texts of people.
  data jsonb not null,
  generation integer not null default 1,
  attempts integer not null default 0,
  created_at timestamptz not null default clock_timestamp(),
  due_at timestamptz not null default clock_timestamp(),
  lease_until timestamptz,
  unique (forge, repository, kind, subject)
);

create index github_work_due on github_work (due_at);

-- What the guard has told GitHub about a pull request or a merge group, and what it has to remember of it.
create table github_check (
  forge text not null,
  -- Lower case.
  repository text not null,
  -- `pull/NUMBER` or `queue/COMMIT`.
  subject text not null,
  head text not null,
  run bigint,
  -- Digests of what stands in the check and of its annotations.
  published text,
  annotations text,
  -- Of this subject alone, whatever other subjects with the same commit come to.
  conclusion text,
  approval text,
  binding text,
  -- What became of the last button that was pressed.
  notice text,
  comment bigint,
  updated_at timestamptz not null default clock_timestamp(),
  primary key (forge, repository, subject)
);

create index github_check_approval on github_check (approval) where approval is not null;
create index github_check_run on github_check (forge, run) where run is not null;
create index github_check_head on github_check (forge, repository, head);
