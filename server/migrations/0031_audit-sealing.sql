-- Keys of the texts in audit entries that may be personal. Who destroys a key makes the texts of one repository and month
-- unreadable; the entries stay as they are.
create table audit_data_key (
  id text primary key check (id ~ '^[0-9a-f]{16}$'),
  repository text not null check (octet_length(repository) <= 4096),
  -- First day of the month (UTC).
  month date not null,
  -- The key, encrypted; null once it is destroyed.
  wrapped bytea check (octet_length(wrapped) = 60),
  -- Which key-encryption key it is wrapped by.
  wrapped_by text not null check (wrapped_by ~ '^[0-9a-f]{16}$'),
  -- The entry (`audit.shredded`) under which it was destroyed.
  destroyed_by bigint,
  unique (repository, month),
  check ((wrapped is null) = (destroyed_by is not null))
);

create function audit_refuse_key_change() returns trigger language plpgsql as $$
begin
  if tg_op <> 'UPDATE' or old.wrapped is null or new.id <> old.id or new.repository <> old.repository
     or new.month <> old.month then
    raise exception 'keys of the audit log may only be destroyed or wrapped anew: % on % refused', tg_op, tg_table_name
      using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;
create trigger audit_data_key_guarded before update or delete on audit_data_key
  for each row execute function audit_refuse_key_change();
create trigger audit_data_key_kept before truncate on audit_data_key
  for each statement execute function audit_refuse_change();

-- Somebody has asked that the texts of a repository and month be destroyed; somebody else must approve.
create table audit_shred (
  id text primary key check (octet_length(id) <= 64),
  repository text not null,
  month date not null,
  reason text not null check (octet_length(reason) <= 4096),
  requested_by text not null check (octet_length(requested_by) <= 512),
  -- Who answers for the credential of the one who asked.
  requested_for text,
  requested_at timestamptz not null,
  approved_by text check (octet_length(approved_by) <= 512),
  approved_at timestamptz
);
