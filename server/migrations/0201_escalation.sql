-- Indexes of the requirements whose second group was asked. Whether it counts is judged by the clock and the votes; this
-- says that the escalation is an entry of the audit log and is told.
alter table approval add column escalated integer[] not null default '{}';
