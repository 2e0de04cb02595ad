-- Deployments of a GitHub that wait for the guard's answer, and what it was.

create table github_deployment (
  forge text not null,
  -- Lower case.
  repository text not null,
  -- At GitHub.
  deployment bigint not null,
  run bigint not null,
  -- Ties its entries of the audit log together.
  request text not null,
  approval text,
  -- Whether GitHub was told that people are asked.
  told boolean not null default false,
  -- What is being answered, written down before, and whether GitHub has taken it.
  answer text check (answer in ('approved', 'rejected')),
  answered_at timestamptz,
  asked_at timestamptz not null default clock_timestamp(),
  primary key (forge, deployment)
);

create index github_deployment_approval on github_deployment (approval) where approval is not null;
