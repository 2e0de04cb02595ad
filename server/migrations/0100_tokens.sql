-- The guard's API tokens. The token itself is never stored, only its SHA-256.

create table guard_token (
  id text primary key,
  hash bytea not null unique check (octet_length(hash) = 32),
  kind text not null check (kind in ('agent', 'human', 'workload')),
  -- Id of the principal that the token stands for, such as agent:release-bot.
  principal text not null,
  groups text[] not null,
  -- Nearest first; the person who answers for it is last.
  on_behalf_of text[] not null,
  -- [{"repository": glob, "verbs": [...]}]
  scopes jsonb not null,
  owner text not null check (owner <> ''),
  purpose text not null check (purpose <> ''),
  issued_by text not null,
  created_at timestamptz not null,
  expires_at timestamptz not null check (expires_at > created_at and expires_at <= created_at + interval '2160 hours'),
  revoked_at timestamptz,
  revoked_by text,
  last_use timestamptz,
  -- Whether the audit log holds the creation and the revocation. A token whose creation it does not hold is not honoured.
  creation_recorded boolean not null default false,
  revocation_recorded boolean not null default false,
  check ((revoked_at is null) = (revoked_by is null))
);

create index guard_token_unrecorded on guard_token (id)
  where not creation_recorded or (revoked_at is not null and not revocation_recorded);
