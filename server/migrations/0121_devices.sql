-- Agents that were let in by a person with a code (RFC 8628), and what they renew their sessions with.

create table device_request (
  -- SHA-256 of the code that the agent polls with.
  hash bytea primary key check (octet_length(hash) = 32),
  -- What the person types, without the dash; free again once the request has run out.
  user_code text not null unique,
  -- Name of the agent, as it calls itself.
  agent text not null,
  address text not null,
  scopes jsonb not null,
  state text not null check (state in ('waiting', 'allowed', 'denied')),
  person text references person (id) check ((person is null) = (state = 'waiting')),
  created_at timestamptz not null,
  expires_at timestamptz not null,
  -- Seconds that the agent must leave between two questions.
  poll_seconds integer not null,
  polled_at timestamptz
);
create index device_request_expiry on device_request (expires_at);

-- What one permission of a person has led to: it ends as a whole.
create table device_permission (
  id text primary key,
  agent text not null,
  person text not null references person (id),
  scopes jsonb not null,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  ended_at timestamptz
);
create index device_permission_person on device_permission (person) where ended_at is null;
create index device_permission_expiry on device_permission (expires_at);

create table refresh_token (
  hash bytea primary key check (octet_length(hash) = 32),
  permission text not null references device_permission (id) on delete cascade,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  -- A token that comes again after this was copied.
  used_at timestamptz
);
create index refresh_token_permission on refresh_token (permission);
