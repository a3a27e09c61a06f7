-- kedge: no transaction
--
-- For lists of tasks with one status that are below one task, or that have no
-- parent. Such a list reads one range of this index.
-- kedge: formerly a9887c7967a39d7b1ea14a55ef9ce9a289778b48327838b0fa6f232652ab195e
CREATE INDEX CONCURRENTLY IF NOT EXISTS task_parent_status
	ON task (user_id, parent_id, status, id);
