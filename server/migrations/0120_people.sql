-- People: who they are, what vouches for them, whether they may still act, and their web sessions.

create table person (
  -- human:…, in lower case: case does not tell people apart.
  id text primary key check (id like 'human:%' and id = lower(id)),
  -- Id of the person in SCIM.
  scim_id text not null unique,
  -- In lower case. Null where no directory has named the person, and after the directory deleted it.
  user_name text unique check (user_name = lower(user_name)),
  external_id text unique,
  display_name text not null,
  email text,
  -- As told at the last sign-in; the groups of the directory are in directory_member.
  login_groups text[] not null default '{}',
  active boolean not null default true,
  -- What ended it: directory, administrator, groups. Null while the person is active.
  ended_by text check ((ended_by is null) = active and ended_by in ('directory', 'administrator', 'groups')),
  created_at timestamptz not null,
  changed_at timestamptz not null,
  last_seen timestamptz
);
create index person_ended on person (id) where not active;

-- An account at a provider, and whose it is. An address that is given to somebody else is another subject.
create table person_account (
  issuer text not null,
  subject text not null,
  person text not null references person (id),
  created_at timestamptz not null,
  primary key (issuer, subject),
  unique (person, issuer)
);

-- Roles that somebody was given here rather than by groups.
create table person_role (
  person text not null references person (id),
  role text not null check (role in ('agent-owner', 'reviewer', 'security-admin', 'auditor')),
  granted_at timestamptz not null,
  primary key (person, role)
);

-- Groups that the directory keeps by SCIM.
create table directory_group (
  id text primary key,
  display_name text not null unique,
  external_id text,
  created_at timestamptz not null,
  changed_at timestamptz not null
);
create table directory_member (
  directory_group text not null references directory_group (id) on delete cascade,
  person text not null references person (id),
  primary key (directory_group, person)
);
create index directory_member_person on directory_member (person);

-- The groups that somebody is in. Where the directory keeps a group, what a provider says of it does not count.
create view person_group as
  select person.id as person, told.name as name
  from person cross join unnest(person.login_groups) as told (name)
  where not exists (select from directory_group where display_name = told.name)
  union
  select directory_member.person, directory_group.display_name
  from directory_member join directory_group on directory_group.id = directory_member.directory_group;

-- Web sessions by the SHA-256 of what the browser keeps.
create table web_session (
  id text primary key,
  hash bytea not null unique check (octet_length(hash) = 32),
  person text not null references person (id),
  -- Who vouched for the person, and how.
  provider text not null,
  issuer text not null,
  subject text not null,
  amr text[] not null,
  acr text,
  address text not null,
  user_agent text not null,
  created_at timestamptz not null,
  seen_at timestamptz not null,
  expires_at timestamptz not null check (expires_at > created_at),
  ended_at timestamptz
);
create index web_session_person on web_session (person) where ended_at is null;

-- Sign-ins under way: whom the guard has sent to a provider. Bound to the browser by the hash of a cookie.
create table login_attempt (
  -- SHA-256 of the state (OpenID Connect) or the id of the request (SAML).
  state_hash bytea primary key check (octet_length(state_hash) = 32),
  provider text not null,
  browser_hash bytea not null check (octet_length(browser_hash) = 32),
  return_to text not null,
  created_at timestamptz not null,
  expires_at timestamptz not null
);
create index login_attempt_expiry on login_attempt (expires_at);

-- SAML assertions that were used, until they would no longer be accepted anyway.
create table used_assertion (
  issuer text not null,
  id text not null,
  expires_at timestamptz not null,
  primary key (issuer, id)
);
create index used_assertion_expiry on used_assertion (expires_at);

-- One-time links for the first administrator.
create table administrator_link (
  hash bytea primary key check (octet_length(hash) = 32),
  created_at timestamptz not null,
  expires_at timestamptz not null,
  used_at timestamptz,
  used_by text references person (id)
);
