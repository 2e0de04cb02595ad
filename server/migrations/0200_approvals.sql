-- Requests that wait for people. The row is the truth: it is moved by compare-and-set on (id, state, version), and each
-- move leaves its outbox rows in the same transaction.

create table approval (
  id text primary key check (id ~ '^[A-Za-z0-9_-]{20,64}$'),
  -- Id of the request that was held.
  request text not null unique check (octet_length(request) <= 256),
  repository text not null,
  refs text[] not null check (cardinality(refs) > 0),
  actor text not null,
  -- Exactly what may be done once; `binding_digest` is the SHA-256 of it, hex.
  binding jsonb not null,
  binding_digest text not null check (binding_digest ~ '^[0-9a-f]{64}$'),
  -- What the one who applies it finds the held bytes by.
  held text not null unique check (octet_length(held) between 1 and 200),
  reason text,
  holds jsonb not null,
  details jsonb not null,
  requirements jsonb not null,
  state text not null check (state in ('waiting', 'approved', 'denied', 'expired', 'superseded', 'cancelled',
    'applying', 'applied', 'failed', 'stale')),
  version integer not null check (version > 0),
  created_at timestamptz not null,
  expires_at timestamptz not null check (expires_at > created_at),
  state_at timestamptz not null,
  superseded_by text references approval (id) deferrable initially deferred,
  note text,
  -- The claim of the worker that applies it: grows with every claim, so that an earlier worker cannot end it.
  epoch integer not null default 0,
  lease_until timestamptz,
  reminders integer not null default 0,
  remind_at timestamptz,
  -- When the held bytes of an ended request were let go.
  released_at timestamptz,
  check ((state = 'superseded') = (superseded_by is not null)),
  check ((state = 'applying') = (lease_until is not null))
);

create index approval_unended on approval (expires_at, id) where state in ('waiting', 'approved', 'applying');
create index approval_open_refs on approval using gin (refs) where state in ('waiting', 'approved');
create index approval_unreleased on approval (id)
  where released_at is null and state not in ('waiting', 'approved', 'applying');
create index approval_newest on approval (created_at desc, id desc);

create table approval_vote (
  seq bigint generated always as identity primary key,
  approval text not null references approval (id),
  person text not null,
  owner text,
  session text not null,
  decision text not null check (decision in ('approve', 'deny')),
  comment text,
  -- Indexes into the approval's requirements.
  meets integer[] not null check (cardinality(meets) > 0),
  at timestamptz not null,
  revoked_at timestamptz
);

create unique index approval_vote_once on approval_vote (approval, person) where revoked_at is null;

create table approval_break_glass (
  approval text primary key references approval (id),
  person text not null,
  owner text,
  reason text not null,
  at timestamptz not null,
  reviewed_by text,
  review_comment text,
  reviewed_at timestamptz,
  check ((reviewed_by is null) = (reviewed_at is null) and (reviewed_by is null) = (review_comment is null)),
  check (reviewed_by <> person)
);

create index approval_open_review on approval_break_glass (approval) where reviewed_at is null;

-- What is to be recorded and told, in order. A row takes effect only once `recorded_at` says that the audit log holds it.
create table approval_outbox (
  seq bigint generated always as identity primary key,
  approval text not null references approval (id),
  version integer not null,
  topic text not null,
  -- The entry for the audit log; null where there is nothing to record.
  event jsonb,
  created_at timestamptz not null,
  recorded_at timestamptz,
  -- Telling people: how often it was tried, when it is due next, and when it was done or given up.
  tries integer not null default 0,
  due_at timestamptz not null,
  told_at timestamptz,
  given_up_at timestamptz
);

create index approval_outbox_unrecorded on approval_outbox (approval, seq) where recorded_at is null;
create index approval_outbox_untold on approval_outbox (due_at, seq)
  where recorded_at is not null and told_at is null and given_up_at is null;
