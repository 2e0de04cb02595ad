-- How far the audit log has been sent to each receiver, and which guard sends. One guard at a time holds a sink; whoever
-- takes it over gets a new fence, and moves of an older one are refused.
create table audit_sink (
  name text primary key check (octet_length(name) <= 64),
  -- What is before was taken by the receiver, as far as it acknowledges anything.
  next bigint not null check (next >= 0),
  -- Where the sink began.
  began bigint not null check (began >= 0),
  -- The end of a batch that may be under way and must be the same when it is tried again.
  planned bigint,
  holder text,
  fence bigint not null default 0,
  held_until timestamptz not null default '-infinity',
  -- Attempts in a row that have failed, since when, and why; an outage is on record once `recorded` is set.
  failures integer not null default 0,
  failing_since timestamptz,
  problem text,
  recorded boolean not null default false,
  moved_at timestamptz
);

-- Entries that a receiver refuses while it takes others. They stay in the log; who repairs the receiver finds them here.
create table audit_sink_refusal (
  sink text not null,
  index bigint not null,
  problem text not null,
  at timestamptz not null default clock_timestamp(),
  primary key (sink, index)
);
