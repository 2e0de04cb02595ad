-- Telling people. What was sent is remembered for each channel, so that a repetition goes only to those that failed.

create table notice_sent (
  notice text not null,
  channel text not null,
  at timestamptz not null default clock_timestamp(),
  primary key (notice, channel)
);

create index notice_sent_at on notice_sent (at);

-- How far the audit log was read for alerts; one row.
create table alert_cursor (
  is_only boolean primary key default true check (is_only),
  next bigint not null check (next >= 0)
);

-- Alerts wait here until they are told.
create table alert (
  id text primary key,
  kind text not null,
  actor text not null,
  repository text,
  request text not null,
  at timestamptz not null,
  details jsonb not null,
  tries integer not null default 0,
  due_at timestamptz not null default clock_timestamp(),
  told_at timestamptz
);

create index alert_untold on alert (due_at) where told_at is null;
create index alert_by_actor on alert (actor, kind, at);

-- Refusals of agents, as long as they may count.
create table alert_denial (
  key text primary key,
  actor text not null,
  at timestamptz not null
);

create index alert_denial_by_actor on alert_denial (actor, at);
create index alert_denial_at on alert_denial (at);

-- With whose credentials each agent was seen.
create table alert_issuer (
  actor text not null,
  issuer text not null,
  since timestamptz not null,
  primary key (actor, issuer)
);
