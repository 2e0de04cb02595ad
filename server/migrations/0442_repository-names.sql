-- Which repository a name stands for: GitHub keeps the number of a repository when it is renamed or transferred.
alter table github_repository add column github_id bigint;
create index github_repository_id on github_repository (forge, github_id);

-- Repositories that have come by another name.
create table github_moved (
  forge text not null,
  request text not null,
  github_id bigint not null,
  -- `owner/name`, in GitHub's spelling.
  old_name text not null,
  new_name text not null,
  at timestamptz not null default clock_timestamp(),
  primary key (forge, request)
);
create index github_moved_name on github_moved (forge, lower(new_name), at desc);
