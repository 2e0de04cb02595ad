-- Each update that the guard forwarded explains one push that GitHub tells of: the same update once more is another push.
alter table github_forward add column explains text;
drop index github_forward_after;
create index github_forward_move on github_forward (repository, after, ref_key);
create index github_forward_ref on github_forward (repository, ref_key) where not is_compared;

-- Pushes that the guard has decided to forward and whose list of refs cannot be had: destroyed, pruned, or never kept.
create table github_unlisted (
  request text primary key,
  -- `<forge>/<owner>/<name>` in lower case.
  repository text not null,
  -- Ref updates that are not known, and how many pushes were put down to them.
  missing integer not null,
  presumed integer not null default 0,
  state text not null,
  at timestamptz not null,
  ended_at timestamptz,
  -- When people were told.
  told_at timestamptz
);
create index github_unlisted_repository on github_unlisted (repository, at);
