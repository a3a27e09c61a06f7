-- kedge: no transaction
--
-- For lists of a user's tasks with one status, which read one range of this
-- index. Lists of tasks with any status use the primary key, and the index
-- task_parent.
-- kedge: formerly 705dcb65cd78a3b1b5f61dc83d8b193a11aebb42a2ffae9c3d8e09e2cfe8784b
CREATE INDEX CONCURRENTLY IF NOT EXISTS task_status
	ON task (user_id, status, id);
