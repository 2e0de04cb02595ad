-- Pushes around the guard stand in sessions and reports, too, and those that nobody is known for in a list of their own.
-- All of it is derived from the log: it is read again from its beginning, so that earlier ones are in it.
create table activity_bypass (
  request text primary key,
  first_index bigint not null unique,
  last_index bigint not null,
  at timestamptz not null,
  repository text,
  -- Principal id; null where nobody is known.
  actor text,
  -- `certain`, `likely` or `unknown`.
  certainty text not null,
  facts jsonb not null
);
create index activity_bypass_repository on activity_bypass (repository, first_index desc);
create index activity_bypass_unknown on activity_bypass (first_index desc) where certainty = 'unknown';

truncate activity_session, activity_attempt, activity_entry, activity_actor, activity_actor_repository, activity_trait;
update activity_cursor set next = 0;
