-- Repositories that the App does not reach any more: they stay known, with where their refs stood, until they are back.
alter table github_repository
  -- Null while the App reaches it.
  add column unseen_since timestamptz,
  -- The request of the entry that tells of it.
  add column unseen_request text,
  -- Null until that entry is written.
  add column unseen_reason text,
  -- Login, number and type of the account that GitHub names for it.
  add column unseen_by jsonb,
  -- Seen again, and not told yet.
  add column is_back boolean not null default false;

-- What GitHub has said about why repositories are out of sight, by webhooks and in the list of installations.
create table github_sight_note (
  forge text not null,
  -- Id of the webhook, or what of the list it is about.
  source text not null,
  reason text not null,
  -- GitHub's numbers of the repositories.
  ids bigint[] not null,
  -- Login in lower case of the account all of whose repositories it is about; null: those of the numbers alone.
  account text,
  by jsonb,
  at timestamptz not null default clock_timestamp(),
  primary key (forge, source)
);
