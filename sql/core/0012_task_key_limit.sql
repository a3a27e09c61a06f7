-- The limit of idempotency keys holds for concurrent requests, too.
--
-- task_create() counted the user's keys before it had a lock, so as many
-- requests as were sent at once passed the limit. It now counts them again when
-- the trigger on task has locked the user's row of task_usage; the statement
-- fails with serialization_failure, and is refused when it is retried.

CREATE OR REPLACE FUNCTION task_create(p_user text, p_parent uuid, p_title text,
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
		IF (SELECT count(*) FROM (SELECT FROM task_key
				WHERE user_id = p_user LIMIT p_keys_max) taken)
			>= p_keys_max THEN
			RAISE EXCEPTION 'others have used the keys that were left'
				USING ERRCODE = 'serialization_failure';
		END IF;
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
