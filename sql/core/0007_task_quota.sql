-- Limits of tasks per user, and idempotency keys, so that a request may be sent
-- twice.
--
-- task_usage counts the tasks of each user and the bytes of their texts.
-- Triggers maintain the counts, so that they are right whichever program writes
-- tasks, including the previous release. A user's row is inserted when the
-- user's tasks are counted for the first time. core passes the limits with each
-- task (CORE_TASKS_MAX, CORE_TASK_BYTES_MAX).
--
-- Locks are taken in this order: profile, task, task_usage, task_key.
-- kedge: formerly a2981da365256920795c005212d3ea7416fbf38c0bef8b9062a2de8b2b9bc119

CREATE TABLE task_usage (
	user_id text PRIMARY KEY,
	tasks bigint NOT NULL,
	bytes bigint NOT NULL
) WITH (fillfactor = 50); -- each new task changes the user's row, but never its key

-- The keys of requests that have created a task. A repeated request contains
-- the same task as the first one, so the first response can be computed from
-- it, and nothing else needs to be stored.
CREATE TABLE task_key (
	user_id text NOT NULL,
	key text NOT NULL CHECK (char_length(key) BETWEEN 1 AND 255),
	request_sha256 bytea NOT NULL,
	task_id uuid NOT NULL,
	created_at timestamptz NOT NULL,
	PRIMARY KEY (user_id, key)
);
CREATE INDEX task_key_age ON task_key (created_at);

-- The number of bytes in the title and notes of a task. PostgreSQL knows the
-- length of a text without reading it, even if the text is stored outside its
-- row.
CREATE FUNCTION task_bytes(p_title text, p_notes text) RETURNS bigint
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
	SELECT octet_length(p_title)::bigint + coalesce(octet_length(p_notes), 0);
END;

-- Returns the user's row of task_usage. If it is missing, counts the user's
-- tasks and inserts it. This transaction does not see tasks that other
-- transactions have not committed; their triggers add these tasks later,
-- because then the row exists.
CREATE FUNCTION task_usage_count(p_user text) RETURNS task_usage
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
	u task_usage;
BEGIN
	INSERT INTO task_usage (user_id, tasks, bytes)
	SELECT p_user, count(*), coalesce(sum(task_bytes(title, notes)), 0)
	FROM task WHERE user_id = p_user
	ON CONFLICT DO NOTHING;
	SELECT * INTO u FROM task_usage WHERE user_id = p_user;
	RETURN u;
END
$$;

CREATE FUNCTION task_usage_add(p_user text, p_tasks bigint, p_bytes bigint)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
	IF p_tasks = 0 AND p_bytes = 0 THEN
		RETURN;
	END IF;
	UPDATE task_usage SET tasks = tasks + p_tasks, bytes = bytes + p_bytes
	WHERE user_id = p_user;
	IF FOUND THEN
		RETURN;
	END IF;
	-- There was no row yet: count all tasks of the user, which include
	-- those of this statement.
	INSERT INTO task_usage (user_id, tasks, bytes)
	SELECT p_user, count(*), coalesce(sum(task_bytes(title, notes)), 0)
	FROM task WHERE user_id = p_user
	ON CONFLICT (user_id) DO UPDATE
	SET tasks = task_usage.tasks + p_tasks,
		bytes = task_usage.bytes + p_bytes;
END
$$;

CREATE FUNCTION task_inserted() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
	PERFORM task_usage_add(user_id, count(*), sum(task_bytes(title, notes))::bigint)
	FROM new_tasks GROUP BY user_id ORDER BY user_id;
	RETURN NULL;
END
$$;
CREATE FUNCTION task_deleted() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
	PERFORM task_usage_add(user_id, -count(*),
		-sum(task_bytes(title, notes))::bigint)
	FROM old_tasks GROUP BY user_id ORDER BY user_id;
	RETURN NULL;
END
$$;
CREATE FUNCTION task_updated() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
	PERFORM task_usage_add(user_id, sum(tasks)::bigint, sum(bytes)::bigint)
	FROM (SELECT user_id, 1 AS tasks, task_bytes(title, notes) AS bytes
			FROM new_tasks
		UNION ALL
		SELECT user_id, -1, -task_bytes(title, notes) FROM old_tasks) changes
	GROUP BY user_id ORDER BY user_id;
	RETURN NULL;
END
$$;
CREATE FUNCTION task_truncated() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
	DELETE FROM task_usage;
	RETURN NULL;
END
$$;

CREATE TRIGGER task_inserted AFTER INSERT ON task
	REFERENCING NEW TABLE AS new_tasks
	FOR EACH STATEMENT EXECUTE FUNCTION task_inserted();
CREATE TRIGGER task_deleted AFTER DELETE ON task
	REFERENCING OLD TABLE AS old_tasks
	FOR EACH STATEMENT EXECUTE FUNCTION task_deleted();
CREATE TRIGGER task_updated AFTER UPDATE ON task
	REFERENCING OLD TABLE AS old_tasks NEW TABLE AS new_tasks
	FOR EACH STATEMENT EXECUTE FUNCTION task_updated();
CREATE TRIGGER task_truncated AFTER TRUNCATE ON task
	FOR EACH STATEMENT EXECUTE FUNCTION task_truncated();

-- Creates a task within the limits. If it is not created, `code` says why. If
-- an earlier request with the same key has created a task, none is created, and
-- `made` is that task as it was then. If a concurrent transaction has used the
-- same key, or has used up a limit, the statement fails with
-- serialization_failure; when it is retried, it sees what that transaction has
-- committed.
CREATE FUNCTION task_create(p_user text, p_parent uuid, p_title text,
	p_notes text, p_status text, p_due_at timestamptz, p_key text,
	p_sha256 bytea, p_tasks_max bigint, p_bytes_max bigint,
	p_keys_max bigint, OUT code text, OUT replayed boolean, OUT made task)
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
	k task_key;
	u task_usage;
BEGIN
	replayed := false;
	IF p_key IS NOT NULL THEN
		SELECT * INTO k FROM task_key
		WHERE user_id = p_user AND key = p_key;
		IF k.key IS NOT NULL AND k.request_sha256 <> p_sha256 THEN
			code := 'IDEMPOTENCY_KEY_REUSED';
			RETURN;
		END IF;
		IF k.key IS NOT NULL THEN
			replayed := true;
			made.user_id := p_user;
			made.id := k.task_id;
			made.parent_id := p_parent;
			made.title := p_title;
			made.notes := p_notes;
			made.status := p_status;
			made.due_at := p_due_at;
			made.version := 1;
			made.created_at := k.created_at;
			made.updated_at := k.created_at;
			RETURN;
		END IF;
		IF (SELECT count(*) FROM (SELECT FROM task_key
				WHERE user_id = p_user LIMIT p_keys_max) taken)
			>= p_keys_max THEN
			code := 'TOO_MANY_IDEMPOTENCY_KEYS';
			RETURN;
		END IF;
	END IF;
	SELECT * INTO u FROM task_usage WHERE user_id = p_user;
	IF u.user_id IS NULL THEN
		u := task_usage_count(p_user);
	END IF;
	code := CASE WHEN u.tasks >= p_tasks_max THEN 'TOO_MANY_TASKS'
		WHEN u.bytes + task_bytes(p_title, p_notes) > p_bytes_max
		THEN 'TASK_BYTES_EXCEEDED' END;
	IF code IS NOT NULL THEN
		RETURN;
	END IF;
	INSERT INTO task (user_id, parent_id, title, notes, status, due_at)
	VALUES (p_user, p_parent, p_title, p_notes, p_status, p_due_at)
	RETURNING * INTO made;
	-- The trigger on task has locked this row for this transaction.
	SELECT * INTO u FROM task_usage WHERE user_id = p_user;
	IF u.tasks > p_tasks_max OR u.bytes > p_bytes_max THEN
		RAISE EXCEPTION 'others have used what was left'
			USING ERRCODE = 'serialization_failure';
	END IF;
	IF p_key IS NOT NULL THEN
		INSERT INTO task_key (user_id, key, request_sha256, task_id,
			created_at)
		VALUES (p_user, p_key, p_sha256, made.id, made.created_at)
		ON CONFLICT DO NOTHING;
		IF NOT FOUND THEN
			RAISE EXCEPTION 'another request had the key'
				USING ERRCODE = 'serialization_failure';
		END IF;
	END IF;
END
$$;

DO $$
DECLARE
	v_function regprocedure;
BEGIN
	FOR v_function IN
		SELECT oid FROM pg_proc
		WHERE pronamespace = 'public'::regnamespace
			AND proname ~ '^task_'
	LOOP
		EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC',
			v_function);
	END LOOP;
END
$$;
GRANT EXECUTE ON FUNCTION task_bytes(text, text), task_usage_count(text),
	task_create(text, uuid, text, text, text, timestamptz, text, bytea,
		bigint, bigint, bigint) TO core;
GRANT SELECT ON task_usage TO core;
GRANT SELECT, INSERT, DELETE ON task_key TO core;
