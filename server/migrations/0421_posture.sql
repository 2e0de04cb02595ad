-- How repositories of a GitHub are protected, as it was last read.
create table github_posture (
  forge text not null,
  -- Lower case.
  repository text not null,
  url text not null,
  points jsonb not null,
  read_at timestamptz not null default clock_timestamp(),
  primary key (forge, repository)
);
