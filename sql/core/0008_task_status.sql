-- A range of an index for each list that clients can ask for: of a status, and
-- of a status below one task or at the top.  Those without a status have theirs
-- (the primary key, and task_parent).

CREATE INDEX task_status ON task (user_id, status, id);
CREATE INDEX task_parent_status ON task (user_id, parent_id, status, id);
