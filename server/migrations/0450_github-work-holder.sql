-- Who has taken the work: a guard that was away for longer than its lease finds out that it is another's.
alter table github_work add holder uuid;
