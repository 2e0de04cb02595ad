-- Creations of a GitHub App that an administrator has begun; each comes back once.
create table github_setup (
  state text primary key,
  forge text not null,
  at timestamptz not null default clock_timestamp()
);
