-- kedge: no transaction
-- A range of an index for the lists of a status.  The lists without a status
-- have theirs (the primary key, and task_parent).
CREATE INDEX CONCURRENTLY IF NOT EXISTS task_status
	ON task (user_id, status, id);
