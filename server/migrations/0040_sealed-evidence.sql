-- Evidence is encrypted under the key of its repository and month, like the texts of entries: it goes with them. What an
-- earlier, unreleased version kept in the clear is let go.
delete from evidence;
alter table evidence add column key text not null references audit_data_key (id);
-- Null once the key is destroyed.
alter table evidence alter column body drop not null;
create index evidence_key on evidence (key);
