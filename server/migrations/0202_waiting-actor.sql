-- How many requests of one actor wait is counted before another is opened.
create index approval_waiting_actor on approval (actor) where state = 'waiting';
