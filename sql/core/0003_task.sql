-- Tasks, which form trees of at most eight levels for each user.
--
-- The primary key begins with the owner, every statement names the owner, and
-- the foreign key to the parent includes the owner, so that the database itself
-- refuses a task under another user's task. Deleting a task deletes its subtree
-- in the same statement. core locks the profile row and then checks that a tree
-- has no cycle and is not too deep (services/core/task/task.h).
-- kedge: formerly 2bad6dd5cd00715f4b19cee6b9d146dcf6c14debed561cbe8e59911603a863ba

CREATE TABLE task (
	user_id text NOT NULL REFERENCES profile (user_id),
	id uuid NOT NULL DEFAULT uuidv7(),
	parent_id uuid,
	title text NOT NULL CHECK (char_length(title) BETWEEN 1 AND 200),
	notes text CHECK (char_length(notes) <= 10000),
	status text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'done')),
	due_at timestamptz,
	version bigint NOT NULL DEFAULT 1,
	created_at timestamptz NOT NULL DEFAULT now(),
	updated_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (user_id, id),
	FOREIGN KEY (user_id, parent_id) REFERENCES task (user_id, id)
		ON DELETE CASCADE,
	CHECK (parent_id <> id)
);
-- For lists of the children of a task, newest last; the cascade of a deletion
-- uses the index, too.
CREATE INDEX task_parent ON task (user_id, parent_id, id);

GRANT SELECT, DELETE, INSERT (user_id, parent_id, title, notes, status,
	due_at), UPDATE (parent_id, title, notes, status, due_at, version,
	updated_at) ON task TO core;
