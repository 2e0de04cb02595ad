-- Which process of which guard applies it: a guard that starts again ends the claims of its own earlier processes.
alter table approval add column claimant text;
