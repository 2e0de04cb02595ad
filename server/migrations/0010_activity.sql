-- What was done, by session, made of the entries of the audit log. Everything here is derived: it can be emptied and
-- made again from the log, and then has the same ids.

-- How far the log was read.
create table activity_cursor (
  one boolean primary key default true check (one),
  next bigint not null check (next >= 0)
);
insert into activity_cursor (next) values (0);

create table activity_session (
  id text primary key check (id ~ '^s-[0-9a-f]{24}$'),
  -- Digest of who acted, for whom and by which credential.
  key text not null,
  actor text not null,
  kind text not null,
  issuer text not null,
  on_behalf_of text[] not null,
  credential text not null,
  proof text not null,
  -- Who answers for the credential, as far as entries say so.
  owner text,
  first_index bigint not null unique,
  last_index bigint not null,
  started_at timestamptz not null,
  -- When the actor itself was last seen in it.
  active_at timestamptz not null,
  -- Of all its entries, those included that others made about what was asked in it.
  entries integer not null,
  -- Requests that people have not decided about.
  waiting integer not null,
  -- Counts by the repository's name.
  repositories jsonb not null
);
create index activity_session_key on activity_session (key, first_index desc);
create index activity_session_actor on activity_session (actor, first_index desc);
create index activity_session_people on activity_session using gin (on_behalf_of);
create index activity_session_repositories on activity_session using gin (repositories);
create index activity_session_waiting on activity_session (first_index) where waiting > 0;

-- One attempt: from the entry that opens it to the one that closes it.
create table activity_attempt (
  request text primary key,
  session text not null,
  actor text not null,
  family text not null,
  repository text,
  first_index bigint not null unique,
  last_index bigint not null,
  at timestamptz not null,
  ended_at timestamptz,
  outcome text not null,
  facts jsonb not null
);
create index activity_attempt_session on activity_attempt (session, first_index);
create index activity_attempt_actor on activity_attempt (actor, first_index);
create index activity_attempt_time on activity_attempt (actor, at);

-- Which entries belong to which session.
create table activity_entry (
  index bigint primary key,
  session text not null,
  request text not null,
  actor text not null,
  action text not null,
  at timestamptz not null
);
create index activity_entry_session on activity_entry (session, index);
create index activity_entry_request on activity_entry (request, index);
create index activity_entry_actor on activity_entry (actor, at) where action = 'fetch.served';
create index activity_entry_approval on activity_entry (actor, index) where action like 'approval.%';

-- Everybody who was seen to act.
create table activity_actor (
  actor text primary key,
  kind text not null,
  first_at timestamptz not null,
  last_at timestamptz not null,
  sessions integer not null
);

create table activity_actor_repository (
  actor text not null,
  repository text not null,
  first_at timestamptz not null,
  last_at timestamptz not null,
  counts jsonb not null,
  primary key (actor, repository)
);

-- What an actor was seen with: addresses, people it acts for, owners and issuers of its credentials.
create table activity_trait (
  actor text not null,
  kind text not null,
  value text not null,
  first_at timestamptz not null,
  last_at timestamptz not null,
  entries integer not null,
  primary key (actor, kind, value)
);
