-- kedge: no transaction
-- A range of an index for the lists of a status below one task, or at the top.
CREATE INDEX CONCURRENTLY IF NOT EXISTS task_parent_status
	ON task (user_id, parent_id, status, id);
