-- Retention: entries that are older than they must be kept may be taken out of the log; their hashes stay, so that every
-- proof and every checkpoint can still be checked.

-- The leaf hashes of 256 entries of which some were pruned: a full tile of level 0.
create table audit_pruned_tile (
  index bigint primary key check (index >= 0),
  hashes bytea not null check (octet_length(hashes) = 8192)
);
create trigger audit_pruned_tile_append_only before update or delete or truncate on audit_pruned_tile
  for each statement execute function audit_refuse_change();

-- Up to where entries may be gone, and the entry (`audit.pruned`) that says so.
create table audit_pruning (
  past bigint primary key check (past > 0 and past % 256 = 0),
  entry bigint not null check (entry >= past)
);
create trigger audit_pruning_append_only before update or delete or truncate on audit_pruning
  for each statement execute function audit_refuse_change();

-- Entries that must not be pruned, whatever their age. What a column leaves open holds for everything.
create table audit_hold (
  id text primary key check (octet_length(id) <= 64),
  reason text not null check (octet_length(reason) <= 4096),
  person text not null check (octet_length(person) <= 512),
  added_at timestamptz not null,
  from_time timestamptz,
  to_time timestamptz,
  agent text check (octet_length(agent) <= 512),
  repository text check (octet_length(repository) <= 1024)
);
create trigger audit_hold_append_only before update or delete or truncate on audit_hold
  for each statement execute function audit_refuse_change();

create table audit_hold_release (
  hold text primary key references audit_hold (id),
  reason text not null check (octet_length(reason) <= 4096),
  person text not null check (octet_length(person) <= 512),
  released_at timestamptz not null
);
create trigger audit_hold_release_append_only before update or delete or truncate on audit_hold_release
  for each statement execute function audit_refuse_change();

-- Entries leave by one door: `audit_prune`, for tiles that a row of `audit_pruning` covers and whose hashes are kept.
drop trigger audit_entry_append_only on audit_entry;
create trigger audit_entry_append_only before update or truncate on audit_entry
  for each statement execute function audit_refuse_change();

create function audit_refuse_delete() returns trigger language plpgsql as $$
begin
  if current_setting('forgeguard.pruning', true) is distinct from 'on'
     or old.index >= coalesce((select max(past) from audit_pruning), 0)
     or not exists (select from audit_pruned_tile where index = old.index / 256) then
    raise exception 'the audit log may only be appended to: % on % refused', tg_op, tg_table_name
      using errcode = 'restrict_violation';
  end if;
  return old;
end
$$;
create trigger audit_entry_pruning before delete on audit_entry
  for each row execute function audit_refuse_delete();

-- Takes the entries of a tile out, but for those that are named. Without effect on a tile that was pruned before.
create function audit_prune(tile bigint, kept bigint[]) returns bigint language plpgsql as $$
declare
  removed bigint;
begin
  if not exists (select from audit_pruned_tile p where p.index = tile) then
    insert into audit_pruned_tile (index, hashes)
    select tile, string_agg(e.leaf_hash, ''::bytea order by e.index)
      from audit_entry e where e.index >= tile * 256 and e.index < (tile + 1) * 256;
  end if;
  perform set_config('forgeguard.pruning', 'on', true);
  delete from audit_entry e
   where e.index >= tile * 256 and e.index < (tile + 1) * 256 and e.index <> all (kept);
  get diagnostics removed = row_count;
  perform set_config('forgeguard.pruning', 'off', true);
  return removed;
end
$$;
