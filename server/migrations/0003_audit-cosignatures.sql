-- What witnesses have added to checkpoints: lines of signed notes.
create table audit_cosignature (
  size bigint not null,
  -- Name and id of the witness's key.
  witness text not null check (octet_length(witness) <= 512),
  line text not null check (octet_length(line) <= 1024),
  primary key (size, witness)
);
create trigger audit_cosignature_append_only before update or delete or truncate on audit_cosignature
  for each statement execute function audit_refuse_change();
