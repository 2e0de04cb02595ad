-- Pushes that reach a guarded repository of a GitHub, and which of them the guard has brought there. Names of refs are kept
-- as SHA-256: they may hold anything.

-- How far the audit log was read for what the guard itself has brought to repositories, or let pass.
create table github_ledger_cursor (
  one boolean primary key default true check (one),
  next bigint not null
);

-- Ref updates that the guard has decided to forward.
create table github_forward (
  request text not null,
  position integer not null,
  -- `<forge>/<owner>/<name>` in lower case, as in the log.
  repository text not null,
  -- Null where the name was masked in the log: it is known by its objects then.
  ref_key text,
  before text not null,
  after text not null,
  -- `open` until its outcome is known, then `landed` or, where that could not be told, `unknown`.
  state text not null,
  -- Whether a comparison of heads has gone over it: it explains no later one.
  is_compared boolean not null default false,
  at timestamptz not null,
  primary key (request, position)
);
create index github_forward_after on github_forward (repository, after);
create index github_forward_at on github_forward (at);

-- Commits that the guard's check let pass: of pull requests by their head, of merge queues by the commit of the group.
create table github_passed (
  request text primary key,
  repository text not null,
  -- `pull/NUMBER` or `queue`.
  subject text not null,
  head text not null,
  base text not null,
  -- `waiting` until people have approved it, then `approved`; `passed` where nobody had to.
  state text not null,
  at timestamptz not null
);
create index github_passed_head on github_passed (repository, head);
create index github_passed_at on github_passed (at);

-- Pushes that the guard did not forward, and what they turned out to be.
create table github_push (
  forge text not null,
  repository text not null,
  -- Of the webhook, or of the comparison that found it.
  turn text not null,
  -- Null where only a comparison has found it so far.
  delivery text,
  ref_key text not null,
  before text not null,
  after text not null,
  -- How it went around the guard, or why it did not.
  how text not null,
  pull integer,
  -- `found`, `recorded`, `scanned` and `told`, in this order.
  stage text not null,
  request text not null,
  is_compared boolean not null default false,
  at timestamptz not null default clock_timestamp(),
  primary key (forge, repository, turn)
);
create index github_push_ref on github_push (forge, repository, ref_key);
create index github_push_at on github_push (at);

-- The repositories that installations of the App reach.
create table github_repository (
  forge text not null,
  -- Lower case.
  repository text not null,
  -- In GitHub's spelling.
  name text not null,
  seen_at timestamptz not null default clock_timestamp(),
  -- When its refs were first taken down; null: not yet.
  watched_since timestamptz,
  primary key (forge, repository)
);

-- Where the refs of guarded repositories stood when they were last compared.
create table github_head (
  forge text not null,
  repository text not null,
  ref_key text not null,
  -- The name for people, masked where it holds a value.
  shown text not null,
  oid text not null,
  -- Where it was found to stand without an explanation, and since when.
  suspect text,
  suspect_since timestamptz,
  primary key (forge, repository, ref_key)
);

-- When each kind of round was last begun, by whichever guard.
create table github_round (
  forge text not null,
  kind text not null,
  at timestamptz not null,
  primary key (forge, kind)
);
