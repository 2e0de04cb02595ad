-- Session tokens, tokens of issuers that were presented, and revocations of principals.

-- A session token is never stored, only its SHA-256.
create table identity_session (
  id text primary key,
  hash bytea not null unique check (octet_length(hash) = 32),
  -- As in the audit log.
  principal jsonb not null,
  owner text,
  scopes jsonb not null,
  -- Lower-case ids of the principal, of all on whose behalf it acts, and of the owner.
  involved text[] not null,
  -- Ids of the tokens and sessions that it was exchanged from, with theirs: it ends with each of them.
  parents text[] not null,
  -- What it rests on was issued not before this; a revocation of one of those involved after this ends it.
  since timestamptz not null,
  opened_at timestamptz not null,
  expires_at timestamptz not null check (expires_at > opened_at and expires_at <= opened_at + interval '15 minutes'),
  revoked_at timestamptz,
  revoked_by text,
  revocation_recorded boolean not null default false,
  check ((revoked_at is null) = (revoked_by is null))
);
create index identity_session_expiry on identity_session (expires_at);
create index identity_session_unrecorded on identity_session (id) where revoked_at is not null and not revocation_recorded;

-- Tokens of issuers, by an id that is made of issuer and `jti`; kept until they would be refused anyway, and longer.
create table identity_presented (
  id text primary key,
  principal text not null,
  -- The one repository for which it is used; null where it is not bound.
  repository text,
  exchanged_at timestamptz,
  first_seen timestamptz not null,
  expires_at timestamptz not null,
  revoked_at timestamptz,
  revoked_by text,
  revocation_recorded boolean not null default false
);
create index identity_presented_expiry on identity_presented (expires_at);
create index identity_presented_unrecorded on identity_presented (id) where revoked_at is not null and not revocation_recorded;

-- What a principal showed or was given up to a time is void; `infinity`: until that is taken back.
create table identity_revocation (
  -- Lower-case principal id.
  principal text primary key,
  before timestamptz not null,
  revoked_at timestamptz not null,
  revoked_by text not null,
  recorded boolean not null default false
);
create index identity_revocation_unrecorded on identity_revocation (principal) where not recorded;
