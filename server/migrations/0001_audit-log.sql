-- The audit log: entries and signed checkpoints may be added, never changed.

-- Level 0 of the Merkle tree. `body` holds the exact bytes that `leaf_hash` = SHA-256(0x00 || body) covers.
create table audit_entry (
  index bigint primary key check (index >= 0),
  body bytea not null check (octet_length(body) between 1 and 65535),
  leaf_hash bytea not null check (octet_length(leaf_hash) = 32)
);

-- The roots of perfect subtrees of 256, 256^2, … leaves: what a tile of C2SP tlog-tiles at `level` holds. All other
-- nodes are computed from these and the leaf hashes.
create table audit_node (
  level smallint not null check (level between 1 and 6),
  index bigint not null check (index >= 0),
  hash bytea not null check (octet_length(hash) = 32),
  primary key (level, index)
);

-- One row for each committed batch. `note` is the signed note (C2SP tlog-checkpoint) over size and root.
create table audit_checkpoint (
  size bigint primary key check (size > 0),
  note text not null check (octet_length(note) <= 65536)
);

-- Attempts without an outcome. Derived from the entries, kept in the transaction that appends them.
create table audit_open_attempt (
  request text primary key,
  first_index bigint not null,
  last_index bigint not null
);

create function audit_refuse_change() returns trigger language plpgsql as $$
begin
  raise exception 'the audit log may only be appended to: % on % refused', tg_op, tg_table_name
    using errcode = 'restrict_violation';
end
$$;

create trigger audit_entry_append_only before update or delete or truncate on audit_entry
  for each statement execute function audit_refuse_change();
create trigger audit_node_append_only before update or delete or truncate on audit_node
  for each statement execute function audit_refuse_change();
create trigger audit_checkpoint_append_only before update or delete or truncate on audit_checkpoint
  for each statement execute function audit_refuse_change();
