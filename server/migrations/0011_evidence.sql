-- Documents whose SHA-256 stands in entries of the audit log. Masked; they may be removed when their time is over, and
-- the log stays provable.
create table evidence (
  digest text primary key check (digest ~ '^[0-9a-f]{64}$'),
  body bytea not null check (octet_length(body) <= 1048576),
  kept_at timestamptz not null default now()
);
