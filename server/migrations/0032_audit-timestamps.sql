-- What time stamping authorities (RFC 3161) have answered about checkpoints.
create table audit_timestamp (
  size bigint primary key check (size > 0),
  -- The whole response, DER.
  response bytea not null check (octet_length(response) <= 65536)
);
create trigger audit_timestamp_append_only before update or delete or truncate on audit_timestamp
  for each statement execute function audit_refuse_change();
