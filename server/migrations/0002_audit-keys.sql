-- Key rotations and who keeps which attempt open, for logs that several guards write.

-- Where the signing key was changed: `index` is that of the entry that says so, `vkey` the key from there on. A list to
-- find those entries by; what counts is what the entries say.
create table audit_key (
  index bigint primary key check (index >= 0),
  vkey text not null check (octet_length(vkey) <= 1024)
);
create trigger audit_key_append_only before update or delete or truncate on audit_key
  for each statement execute function audit_refuse_change();

-- The guard that opened the attempt, by the number that it keeps in its data directory; 0 where none is known.
alter table audit_open_attempt add column writer integer not null default 0;
