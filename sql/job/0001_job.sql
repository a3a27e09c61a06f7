-- Background jobs, in the database of each service that has jobs.
--
-- Data that changes often is spread over several tables, so that no scan
-- becomes slow because of dead rows that cannot be vacuumed yet;
-- fcgi/job/README.md gives the reason for each table.
--
--   job          the authoritative row of each job; found by id only
--   job_ready    hints: jobs that may be claimed now, in order
--   job_waiting  hints: jobs that may be claimed at a later time
--   job_worker   the worker processes, with their heartbeats
--   job_claim    the jobs that each worker has claimed; read when a worker is dead
--   job_unique   the unique keys in use
--   job_queue    queues that are paused
--   job_kind     the settings of each kind in the workers' release
--   job_schedule cron schedules, and when each is due
--   job_stat     counters for /metrics, summed over all workers and hosts
--
-- A hint contains a fencing token. It is valid only if the job still has the
-- same fencing token, which changes with every claim, every retry by hand, and
-- every cancellation.
-- kedge: formerly 9da4c508e8de76a4dbbf52eb447da8473149502e7f65425202d2ca26e1a12cf9
-- kedge: formerly c6cbf636b5aaf88397e18eb80a7a351ee24f8e4650f93d61b1ad77be87bef827

-- Values are checked by domains where possible. PostgreSQL parses and evaluates
-- a table's CHECKs again for each UPDATE, whichever columns it changes; that
-- took a quarter of the time of an UPDATE.
CREATE DOMAIN job_name AS text CHECK (VALUE ~ '^[a-z][a-z0-9._-]{0,99}$');
CREATE DOMAIN job_priority AS smallint CHECK (VALUE BETWEEN 0 AND 9);
CREATE DOMAIN job_state AS text CHECK (VALUE IN ('available', 'running',
	'retryable', 'completed', 'discarded', 'cancelled'));
CREATE DOMAIN job_attempts AS integer CHECK (VALUE BETWEEN 1 AND 1000);
CREATE DOMAIN job_backoff AS text
	CHECK (VALUE IN ('constant', 'linear', 'exponential'));
CREATE DOMAIN job_seconds AS integer CHECK (VALUE >= 0);

CREATE TABLE job (
	id uuid PRIMARY KEY DEFAULT uuidv7(),
	kind job_name NOT NULL,
	queue job_name NOT NULL,
	-- The priority 0 is the highest.
	priority job_priority NOT NULL,
	state job_state NOT NULL DEFAULT 'available',
	payload jsonb NOT NULL,
	-- The result of the last attempt, or the job's progress so far.
	result jsonb,
	run_at timestamptz NOT NULL,
	-- For a job that a schedule has enqueued: the scheduled time.
	due_at timestamptz,
	attempt integer NOT NULL DEFAULT 0,
	max_attempts job_attempts NOT NULL,
	-- How many seconds to wait before the next attempt: backoff_base_s
	-- ('constant'), that times the number of the attempt ('linear'), or
	-- that times 2^(attempt - 1) ('exponential'); backoff_max_s at most.
	-- The time is varied by a tenth, so that many jobs are not retried at
	-- the same time.
	backoff job_backoff NOT NULL,
	backoff_base_s job_seconds NOT NULL,
	backoff_max_s job_seconds NOT NULL,
	fence bigint NOT NULL DEFAULT 0,
	worker_id bigint,
	cancel_requested boolean NOT NULL DEFAULT false,
	-- One object for each attempt, with the members attempt, worker,
	-- startedAt, endedAt, outcome and error.
	attempts jsonb[] NOT NULL DEFAULT '{}',
	unique_key bytea,
	tags text[] NOT NULL DEFAULT '{}',
	trace_id text,
	request_id text,
	created_at timestamptz NOT NULL DEFAULT now(),
	started_at timestamptz,
	finished_at timestamptz
) WITH (
	-- Each page has room for a second version of each row (and for a third
	-- version once the first is gone), and no index contains a column that
	-- changes: so most updates are HOT (with a fillfactor of 60 only half
	-- of them are).
	fillfactor = 40,
	autovacuum_vacuum_scale_factor = 0.02,
	autovacuum_vacuum_cost_delay = 0
);

CREATE TABLE job_ready (
	queue text NOT NULL,
	priority smallint NOT NULL,
	seq bigint GENERATED ALWAYS AS IDENTITY,
	job_id uuid NOT NULL,
	fence bigint NOT NULL,
	PRIMARY KEY (queue, priority, seq)
) WITH (
	autovacuum_vacuum_threshold = 1000,
	autovacuum_vacuum_scale_factor = 0,
	autovacuum_vacuum_cost_delay = 0
);

CREATE TABLE job_waiting (
	run_at timestamptz NOT NULL,
	seq bigint GENERATED ALWAYS AS IDENTITY,
	queue text NOT NULL,
	priority smallint NOT NULL,
	job_id uuid NOT NULL,
	fence bigint NOT NULL,
	PRIMARY KEY (run_at, seq)
) WITH (
	autovacuum_vacuum_threshold = 1000,
	autovacuum_vacuum_scale_factor = 0,
	autovacuum_vacuum_cost_delay = 0
);

CREATE TABLE job_worker (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	name text NOT NULL, -- host/process/slot, for people
	started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	beat_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE job_claim (
	-- Because of this foreign key, a worker whose row was deleted because
	-- it seemed dead, but which still runs, cannot claim jobs.
	worker_id bigint NOT NULL REFERENCES job_worker,
	seq bigint GENERATED ALWAYS AS IDENTITY,
	job_ids uuid[] NOT NULL,
	PRIMARY KEY (worker_id, seq)
);

-- A unique key is in use until its job ends or, if a period was requested,
-- until expires_at.
CREATE TABLE job_unique (
	key bytea PRIMARY KEY,
	job_id uuid NOT NULL,
	expires_at timestamptz
);
CREATE INDEX job_unique_expires ON job_unique (expires_at);

CREATE TABLE job_queue (
	name job_name PRIMARY KEY,
	paused_at timestamptz
);

-- The settings of each kind, for jobs that SQL code enqueues: SQL has no other
-- source of these settings.
CREATE TABLE job_kind (
	name job_name PRIMARY KEY,
	queue job_name NOT NULL,
	max_attempts job_attempts NOT NULL,
	backoff job_backoff NOT NULL,
	backoff_base_s job_seconds NOT NULL,
	backoff_max_s job_seconds NOT NULL
);

CREATE TABLE job_schedule (
	name text PRIMARY KEY,
	cron text NOT NULL,
	timezone text NOT NULL,
	kind text NOT NULL,
	next_at timestamptz NOT NULL,
	last_at timestamptz,
	last_job_id uuid,
	-- How many checks in a row, a minute apart, have found that no worker
	-- declares this schedule.
	unseen integer NOT NULL DEFAULT 0,
	looked_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE job_stat (
	kind text PRIMARY KEY,
	completed bigint NOT NULL DEFAULT 0,
	-- failed attempts, whether or not the job is retried
	failed bigint NOT NULL DEFAULT 0,
	discarded bigint NOT NULL DEFAULT 0,
	run_ms_sum bigint NOT NULL DEFAULT 0,
	run_buckets bigint[] NOT NULL
) WITH (fillfactor = 50);

-- A time in the format that JSON texts use.
CREATE FUNCTION job_time(p_at timestamptz) RETURNS text
LANGUAGE sql STABLE AS $$
	SELECT to_char(p_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
$$;

-- Unique keys

CREATE FUNCTION job_unique_digest(p_scope text, p_of text, p_key text)
RETURNS bytea
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	IF p_of IS NULL THEN
		RAISE EXCEPTION 'there is no scope %', p_scope
			USING ERRCODE = 'invalid_parameter_value';
	END IF;
	RETURN sha256(convert_to(
		concat_ws(chr(31), p_scope, p_of, p_key), 'UTF8'));
END
$$;

-- Takes a unique key for a job. Returns NULL when the job now has the key,
-- otherwise the job that has it.
CREATE FUNCTION job_take_key(p_key bytea, p_job_id uuid, p_period_s integer)
RETURNS uuid
LANGUAGE plpgsql AS $$
DECLARE
	v_holder uuid;
BEGIN
	LOOP
		INSERT INTO job_unique AS taken (key, job_id, expires_at)
		VALUES (p_key, p_job_id, clock_timestamp()
			+ make_interval(secs => p_period_s))
		ON CONFLICT (key) DO UPDATE
		SET job_id = excluded.job_id, expires_at = excluded.expires_at
		WHERE taken.expires_at <= clock_timestamp();
		IF FOUND THEN
			RETURN NULL;
		END IF;
		SELECT job_id INTO v_holder FROM job_unique WHERE key = p_key;
		IF FOUND THEN
			RETURN v_holder;
		END IF;
		-- The job that had the key was deleted from job_unique between
		-- the two statements, so the key can now be taken.
	END LOOP;
END
$$;

-- Frees the unique key of a job that has ended. A key with a period stays in
-- use until the period is over.
CREATE FUNCTION job_give_key(p_key bytea, p_job_id uuid) RETURNS void
LANGUAGE sql AS $$
	DELETE FROM job_unique
	WHERE key = p_key AND job_id = p_job_id AND expires_at IS NULL
$$;

-- Enqueueing

CREATE FUNCTION job_put(p_job_id uuid, p_queue text, p_priority integer,
	p_run_at timestamptz, p_fence bigint) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
	IF p_run_at <= clock_timestamp() THEN
		INSERT INTO job_ready (queue, priority, job_id, fence)
		VALUES (p_queue, p_priority, p_job_id, p_fence);
	ELSE
		INSERT INTO job_waiting (run_at, queue, priority, job_id, fence)
		VALUES (p_run_at, p_queue, p_priority, p_job_id, p_fence);
	END IF;
END
$$;

-- Stores the kinds of the workers' release: an array of {name, queue,
-- maxAttempts, backoff, backoffBaseS, backoffMaxS}.
CREATE FUNCTION job_kinds_set(p_kinds jsonb) RETURNS void
LANGUAGE sql AS $$
	INSERT INTO job_kind AS k (name, queue, max_attempts, backoff,
		backoff_base_s, backoff_max_s)
	SELECT * FROM jsonb_to_recordset(p_kinds) AS d (name text, queue text,
		"maxAttempts" integer, backoff text, "backoffBaseS" integer,
		"backoffMaxS" integer)
	-- sorted, so that concurrent calls wait for each other and do not
	-- deadlock
	ORDER BY name
	ON CONFLICT (name) DO UPDATE
	SET queue = excluded.queue, max_attempts = excluded.max_attempts,
		backoff = excluded.backoff,
		backoff_base_s = excluded.backoff_base_s,
		backoff_max_s = excluded.backoff_max_s
	WHERE k IS DISTINCT FROM excluded
$$;

-- Enqueues a job in the caller's transaction. An argument that is NULL means
-- the setting of the kind or, until a worker that knows the kind has started,
-- the library's default. A caller that passes all arguments saves the look-up
-- of the kind.
--
-- A unique key is in use within its scope ('kind': jobs of this kind, 'queue':
-- jobs of this queue, 'all': all jobs) until the job has ended or, with a
-- period, until that many seconds have passed, whether or not the job has
-- ended. While the key is in use, no other job with it is enqueued: the
-- function returns the job that has the key, and `duplicate` is true. Two
-- transactions that want the same key wait for each other.
CREATE FUNCTION job_enqueue(p_kind text, p_payload jsonb,
	p_queue text DEFAULT NULL, p_priority integer DEFAULT 5,
	p_run_at timestamptz DEFAULT NULL, p_max_attempts integer DEFAULT NULL,
	p_backoff text DEFAULT NULL, p_backoff_base_s integer DEFAULT NULL,
	p_backoff_max_s integer DEFAULT NULL,
	p_unique_key text DEFAULT NULL, p_unique_scope text DEFAULT 'kind',
	p_unique_period_s integer DEFAULT NULL, p_tags text[] DEFAULT '{}',
	p_trace_id text DEFAULT NULL, p_request_id text DEFAULT NULL,
	p_due_at timestamptz DEFAULT NULL,
	OUT job_id uuid, OUT duplicate boolean)
LANGUAGE plpgsql AS $$
DECLARE
	v_key bytea;
	v_holder uuid;
	v_run_at timestamptz := coalesce(p_run_at, clock_timestamp());
	v_kind job_kind;
BEGIN
	job_id := uuidv7();
	duplicate := false;
	IF p_queue IS NULL OR p_max_attempts IS NULL OR p_backoff IS NULL
		OR p_backoff_base_s IS NULL OR p_backoff_max_s IS NULL THEN
		SELECT * INTO v_kind FROM job_kind WHERE name = p_kind;
		p_queue := coalesce(p_queue, v_kind.queue, 'default');
		p_max_attempts :=
			coalesce(p_max_attempts, v_kind.max_attempts, 20);
		p_backoff := coalesce(p_backoff, v_kind.backoff, 'exponential');
		p_backoff_base_s :=
			coalesce(p_backoff_base_s, v_kind.backoff_base_s, 5);
		p_backoff_max_s :=
			coalesce(p_backoff_max_s, v_kind.backoff_max_s, 3600);
	END IF;
	IF p_unique_key IS NOT NULL THEN
		v_key := job_unique_digest(p_unique_scope,
			CASE p_unique_scope WHEN 'kind' THEN p_kind
				WHEN 'queue' THEN p_queue WHEN 'all' THEN '' END,
			p_unique_key);
		v_holder := job_take_key(v_key, job_id, p_unique_period_s);
		IF v_holder IS NOT NULL THEN
			job_id := v_holder;
			duplicate := true;
			RETURN;
		END IF;
	END IF;
	INSERT INTO job (id, kind, queue, priority, payload, run_at, due_at,
		max_attempts, backoff, backoff_base_s, backoff_max_s,
		unique_key, tags, trace_id, request_id)
	VALUES (job_id, p_kind, p_queue, p_priority, p_payload, v_run_at,
		p_due_at, p_max_attempts, p_backoff, p_backoff_base_s, p_backoff_max_s,
		v_key, p_tags, p_trace_id, p_request_id);
	PERFORM job_put(job_id, p_queue, p_priority, v_run_at, 0);
END
$$;

-- Working

-- Claims up to p_limit jobs of a queue, those of the highest priority first.
-- Reads only hints after p_after, which has one position for each priority from
-- 0 to 9; when the caller last looked, all hints before that position were dead
-- rows. If p_slots is set, at most that many sessions work on the queue at the
-- same time. For that, each session holds an advisory lock (its slot), and
-- releases it at its next claim or when the session ends.
CREATE FUNCTION job_claim(p_worker bigint, p_queue text, p_after bigint[],
	p_limit integer, p_slots integer)
RETURNS TABLE (id uuid, kind text, payload text, attempt integer,
	max_attempts integer, fence bigint, priority smallint, seq bigint,
	trace_id text, request_id text, due_at text)
LANGUAGE plpgsql
-- These settings make PostgreSQL look up rows by key, whatever its statistics
-- say about tables that are empty in one minute and full in the next. JIT
-- compilation is off, too: a plan node that is switched off but nevertheless
-- needed, such as a sort, has such a high estimated cost that PostgreSQL would
-- compile the plan.
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off
SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $$
#variable_conflict use_column
DECLARE
	v_hints tid[];
	v_priorities smallint[];
	v_seqs bigint[];
	v_jobs uuid[];
	v_fences bigint[];
	v_slot integer := 0;
BEGIN
	PERFORM pg_advisory_unlock_all();
	IF EXISTS (SELECT FROM job_queue
		WHERE name = p_queue AND paused_at IS NOT NULL) THEN
		RETURN;
	END IF;
	WHILE p_slots > 0 LOOP
		v_slot := v_slot + 1;
		IF v_slot > p_slots THEN
			RETURN;
		END IF;
		EXIT WHEN pg_try_advisory_lock(
			hashtext('job slot ' || p_queue), v_slot);
	END LOOP;
	LOOP
		SELECT array_agg(r.hint), array_agg(r.priority),
			array_agg(r.seq), array_agg(r.job_id), array_agg(r.fence)
		INTO v_hints, v_priorities, v_seqs, v_jobs, v_fences
		FROM (
			SELECT q.*
			FROM unnest(p_after) WITH ORDINALITY AS level (after, n)
			CROSS JOIN LATERAL (
				SELECT ctid AS hint, priority, seq, job_id, fence
				FROM job_ready
				WHERE queue = p_queue AND priority = level.n - 1
					AND seq > level.after
				ORDER BY seq LIMIT p_limit
				FOR UPDATE SKIP LOCKED
			) AS q
			LIMIT p_limit
		) AS r;
		EXIT WHEN v_seqs IS NULL;
		-- The hints are deleted by their physical positions (ctid),
		-- which are locked: a join could be planned as a scan of the
		-- whole queue with all its dead rows.
		DELETE FROM job_ready WHERE ctid = ANY (v_hints);
		RETURN QUERY
		WITH run AS (
			UPDATE job j
			SET state = 'running', attempt = j.attempt + 1,
				fence = j.fence + 1, worker_id = p_worker,
				started_at = clock_timestamp(), result = NULL
			FROM unnest(v_priorities, v_seqs, v_jobs, v_fences)
				AS picked (p, s, i, f)
			WHERE j.id = i AND j.fence = f
				AND j.state IN ('available', 'retryable')
			RETURNING j.id, j.kind::text, j.payload::text, j.attempt,
				j.max_attempts::integer, j.fence, p, s, j.trace_id,
				j.request_id, CASE WHEN j.due_at IS NOT NULL
					THEN job_time(j.due_at) END
		), noted AS (
			INSERT INTO job_claim (worker_id, job_ids)
			SELECT p_worker, array_agg(run.id) FROM run
			HAVING count(*) > 0
		)
		SELECT * FROM run ORDER BY p, s;
		EXIT WHEN FOUND;
	END LOOP;
	IF v_seqs IS NULL AND p_slots > 0 THEN
		PERFORM pg_advisory_unlock_all();
	END IF;
END
$$;

CREATE FUNCTION job_delay(p_backoff text, p_base_s integer, p_max_s integer,
	p_attempt integer) RETURNS interval
LANGUAGE sql VOLATILE AS $$
	SELECT make_interval(secs => (0.9 + 0.2 * random()) * least(p_max_s,
		p_base_s * CASE p_backoff WHEN 'constant' THEN 1
			WHEN 'linear' THEN p_attempt
			ELSE 2.0 ^ least(p_attempt - 1, 60) END))
$$;

CREATE FUNCTION job_state_after(p_outcome text, p_cancel_requested boolean,
	p_attempt integer, p_max_attempts integer) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE WHEN p_outcome IN ('completed', 'discarded', 'cancelled')
			THEN p_outcome
		WHEN p_cancel_requested THEN 'cancelled'
		WHEN p_outcome IN ('released', 'snoozed') THEN 'available'
		WHEN p_attempt < p_max_attempts THEN 'retryable'
		ELSE 'discarded' END
$$;

-- Ends attempts. The argument is an array of {id, fence, outcome, error,
-- result, delayS, agoMs, ranMs}. The outcome is one of: completed; failed (the
-- job is retried after the back-off or delayS, whichever is longer, or
-- discarded after the last attempt); discarded (the job is never retried);
-- released or snoozed (the job is available again after delayS, and the attempt
-- is not counted; released also adds no entry to the history); cancelled.
-- Returns how many of the jobs still belonged to the caller: a job whose
-- fencing token has changed does not, and is not changed.
CREATE FUNCTION job_finish(p_ends jsonb) RETURNS integer
LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off
SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $$
DECLARE
	v_now timestamptz := clock_timestamp();
	v_done integer;
BEGIN
	WITH done AS (
		UPDATE job j
		SET state = job_state_after(e.outcome, j.cancel_requested,
				j.attempt, j.max_attempts),
			attempt = j.attempt
				- (e.outcome IN ('released', 'snoozed'))::integer,
			run_at = CASE
				WHEN e.outcome IN ('released', 'snoozed') THEN v_now
					+ make_interval(secs => coalesce(e."delayS", 0))
				WHEN e.outcome = 'failed' THEN v_now
					+ greatest(job_delay(j.backoff,
						j.backoff_base_s,
						j.backoff_max_s, j.attempt),
						make_interval(secs =>
							e."delayS"))
				ELSE j.run_at END,
			finished_at = CASE WHEN job_state_after(e.outcome,
				j.cancel_requested, j.attempt, j.max_attempts)
				NOT IN ('available', 'retryable') THEN v_now END,
			result = coalesce(e.result, j.result),
			worker_id = NULL,
			attempts = CASE WHEN e.outcome = 'released' THEN j.attempts
				-- Keep the last hundred entries of the history.
				ELSE j.attempts[greatest(1,
					cardinality(j.attempts) - 98):]
				|| jsonb_build_object(
				'attempt', j.attempt,
				'worker', (SELECT name FROM job_worker w
					WHERE w.id = j.worker_id),
				'startedAt', job_time(v_now
					- e."agoMs" * interval '1 ms'),
				'endedAt', job_time(v_now
					- (e."agoMs" - e."ranMs") * interval '1 ms'),
				'outcome', e.outcome, 'error', e.error) END
		FROM jsonb_to_recordset(p_ends) AS e (id uuid, fence bigint,
			outcome text, error text, result jsonb, "delayS" integer,
			"agoMs" bigint, "ranMs" bigint)
		WHERE j.id = e.id AND j.fence = e.fence AND j.state = 'running'
		RETURNING j.id, j.state, j.queue, j.priority, j.run_at, j.fence,
			j.unique_key
	), ready AS (
		INSERT INTO job_ready (queue, priority, job_id, fence)
		SELECT queue, priority, id, fence FROM done
		WHERE state IN ('available', 'retryable') AND run_at <= v_now
	), waiting AS (
		INSERT INTO job_waiting (run_at, queue, priority, job_id, fence)
		SELECT run_at, queue, priority, id, fence FROM done
		WHERE state IN ('available', 'retryable') AND run_at > v_now
	), given AS (
		DELETE FROM job_unique u USING done
		WHERE u.key = done.unique_key AND u.job_id = done.id
			AND u.expires_at IS NULL
			AND done.state NOT IN ('available', 'retryable')
	)
	SELECT count(*) INTO v_done FROM done;
	RETURN v_done;
END
$$;

-- Stores the progress of a running job; if p_result is NULL, nothing is stored.
-- Returns false when the job does not belong to the caller any more, or was
-- cancelled.
CREATE FUNCTION job_progress(p_id uuid, p_fence bigint, p_result jsonb)
RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
	IF p_result IS NOT NULL THEN
		UPDATE job SET result = p_result
		WHERE id = p_id AND fence = p_fence AND state = 'running';
	END IF;
	RETURN EXISTS (SELECT FROM job WHERE id = p_id AND fence = p_fence
		AND state = 'running' AND NOT cancel_requested);
END
$$;

-- Moves hints whose time has come from job_waiting to job_ready. Reads only
-- hints after p_after, as job_claim does. Returns in last_at where the next
-- scan must begin (a little in the past, because some hints are committed
-- late), and in next_at when the next hint is due.
CREATE FUNCTION job_promote(p_after timestamptz, p_limit integer,
	OUT moved integer, OUT last_at timestamptz, OUT next_at timestamptz)
LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off
SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $$
DECLARE
	v_now timestamptz := clock_timestamp();
BEGIN
	WITH due AS (
		SELECT ctid AS hint FROM job_waiting
		WHERE run_at >= p_after AND run_at <= v_now
		ORDER BY run_at, seq LIMIT p_limit
		FOR UPDATE SKIP LOCKED
	), gone AS (
		DELETE FROM job_waiting
		WHERE ctid = ANY (ARRAY(SELECT hint FROM due))
		RETURNING *
	), put AS (
		INSERT INTO job_ready (queue, priority, job_id, fence)
		SELECT queue, priority, job_id, fence FROM gone
		ORDER BY run_at, seq
	)
	SELECT count(*), max(run_at) INTO moved, last_at FROM gone;
	SELECT run_at INTO next_at FROM job_waiting
	WHERE run_at >= CASE WHEN moved < p_limit THEN v_now ELSE last_at END
	ORDER BY run_at LIMIT 1;
	IF moved < p_limit THEN
		last_at := greatest(p_after, v_now - interval '2 s');
	END IF;
	-- If only one hint was moved, the caller claims that job itself, so no
	-- other worker is notified.
	IF moved > 1 THEN
		PERFORM pg_notify('job', '');
	END IF;
END
$$;

-- The workers

-- Stores the heartbeat of a worker. Returns false when the worker was
-- considered dead: its jobs then belong to other workers.
CREATE FUNCTION job_beat(p_worker bigint) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
	UPDATE job_worker SET beat_at = clock_timestamp() WHERE id = p_worker;
	IF NOT FOUND THEN
		RETURN false;
	END IF;
	-- A worker works on one claim at a time, so its older claims are
	-- deleted.
	DELETE FROM job_claim WHERE worker_id = p_worker AND seq <
		(SELECT max(seq) FROM job_claim WHERE worker_id = p_worker);
	RETURN true;
END
$$;

-- Removes workers and takes back the jobs that they had claimed. The job
-- p_running has failed with the error p_error, and the other jobs are released;
-- if p_running is NULL, it is not known which job was running, and all of them
-- have failed. Returns all these jobs. Failures are counted, but not the time
-- that the attempts took: only the time since the claim is known.
CREATE FUNCTION job_rescue(p_workers bigint[], p_running uuid, p_error text)
RETURNS TABLE (id uuid, kind text, attempt integer, outcome text, state text,
	error text, ago_ms bigint)
LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $$
#variable_conflict use_column
DECLARE
	v_workers bigint[];
	v_ends jsonb;
BEGIN
	v_workers := ARRAY(SELECT id FROM job_worker
		WHERE id = ANY (p_workers) FOR UPDATE);
	SELECT jsonb_agg(jsonb_build_object('id', j.id, 'fence', j.fence,
		'outcome', CASE WHEN p_running IS NULL OR p_running = j.id
			THEN 'failed' ELSE 'released' END,
		'error', p_error, 'agoMs', a.ms, 'ranMs', a.ms))
	INTO v_ends
	FROM job_claim c CROSS JOIN unnest(c.job_ids) AS i (id)
	JOIN job j ON j.id = i.id AND j.worker_id = c.worker_id
		AND j.state = 'running'
	CROSS JOIN LATERAL (SELECT (extract(epoch FROM
		clock_timestamp() - j.started_at) * 1000)::bigint) AS a (ms)
	WHERE c.worker_id = ANY (v_workers);
	IF v_ends IS NOT NULL THEN
		PERFORM job_finish(v_ends);
		-- A job that was cancelled meanwhile does not count as failed.
		PERFORM job_count(jsonb_agg(f)) FROM (
			SELECT j.kind, 0 AS completed, count(*) AS failed,
				count(*) FILTER (WHERE j.state = 'discarded')
					AS discarded,
				0 AS "runMs", '{}'::bigint[] AS buckets
			FROM jsonb_to_recordset(v_ends) AS e (id uuid, outcome text)
			JOIN job j ON j.id = e.id
			WHERE e.outcome = 'failed' AND j.state <> 'cancelled'
			GROUP BY j.kind
		) AS f;
	END IF;
	DELETE FROM job_claim WHERE worker_id = ANY (v_workers);
	DELETE FROM job_worker WHERE id = ANY (v_workers);
	RETURN QUERY
	SELECT j.id, j.kind::text, j.attempt, e.outcome, j.state::text, p_error,
		e."agoMs"
	FROM jsonb_to_recordset(v_ends)
		AS e (id uuid, outcome text, "agoMs" bigint)
	JOIN job j ON j.id = e.id;
END
$$;

-- Removes all workers whose last heartbeat is older than p_lease_s seconds. One
-- statement does it for all of them, so that each row of counters is locked
-- once, in a fixed order.
CREATE FUNCTION job_rescue_silent(p_lease_s integer)
RETURNS TABLE (id uuid, kind text, attempt integer, outcome text, state text,
	error text, ago_ms bigint)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
	v_workers bigint[] := ARRAY(
		SELECT id FROM job_worker WHERE beat_at
			< clock_timestamp() - make_interval(secs => p_lease_s)
		FOR UPDATE SKIP LOCKED);
BEGIN
	IF cardinality(v_workers) > 0 THEN
		RETURN QUERY SELECT * FROM
			job_rescue(v_workers, NULL, 'the worker went silent');
	END IF;
END
$$;

-- Retrying and cancelling by hand

-- Cancels a job. A running job is only asked to stop, and stays running until
-- it stops or ends by itself. Returns the job's state after the call; NULL:
-- there is no such job.
CREATE FUNCTION job_cancel(p_id uuid) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	v_job job;
BEGIN
	SELECT * INTO v_job FROM job WHERE id = p_id FOR UPDATE;
	IF v_job.state IN ('available', 'retryable') THEN
		UPDATE job SET state = 'cancelled', fence = fence + 1,
			finished_at = clock_timestamp() WHERE id = p_id;
		PERFORM job_give_key(v_job.unique_key, p_id);
		RETURN 'cancelled';
	ELSIF v_job.state = 'running' THEN
		UPDATE job SET cancel_requested = true WHERE id = p_id;
		PERFORM pg_notify('job_cancel', p_id::text);
	END IF;
	RETURN v_job.state;
END
$$;

-- Makes a job available now, and allows it all its attempts again. A job that
-- has ended is run again, and a waiting job does not wait any longer. Returns
-- 'available'; or 'running' or, when another job has its unique key now,
-- 'duplicate': then nothing was changed. NULL: there is no such job.
CREATE FUNCTION job_retry(p_id uuid) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	v_job job;
	v_holder uuid;
BEGIN
	SELECT * INTO v_job FROM job WHERE id = p_id FOR UPDATE;
	IF NOT FOUND OR v_job.state = 'running' THEN
		RETURN v_job.state;
	END IF;
	IF v_job.unique_key IS NOT NULL
		AND v_job.state NOT IN ('available', 'retryable') THEN
		v_holder := job_take_key(v_job.unique_key, p_id, NULL);
		IF v_holder <> p_id THEN
			RETURN 'duplicate';
		END IF;
	END IF;
	UPDATE job SET state = 'available', fence = fence + 1, attempt = 0,
		run_at = clock_timestamp(), cancel_requested = false,
		finished_at = NULL, worker_id = NULL WHERE id = p_id;
	PERFORM job_put(p_id, v_job.queue, v_job.priority, clock_timestamp(),
		v_job.fence + 1);
	RETURN 'available';
END
$$;

CREATE FUNCTION job_pause(p_queue text, p_paused boolean) RETURNS void
LANGUAGE sql AS $$
	INSERT INTO job_queue (name, paused_at)
	VALUES (p_queue, CASE WHEN p_paused THEN clock_timestamp() END)
	ON CONFLICT (name) DO UPDATE SET paused_at = CASE
		WHEN NOT p_paused THEN NULL
		ELSE coalesce(job_queue.paused_at, excluded.paused_at) END
$$;

-- Deletes jobs that ended longer ago than the retention of their state. Each
-- call reads p_limit jobs after the id p_after. It reads them by id, in the
-- order of their creation, because no index has the times at which jobs ended.
-- Returns the last id that was read; NULL: there are no more jobs.
CREATE FUNCTION job_prune(p_after uuid, p_limit integer,
	p_completed_s bigint, p_cancelled_s bigint, p_discarded_s bigint)
RETURNS uuid
LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $$
DECLARE
	v_last uuid;
BEGIN
	DELETE FROM job_unique WHERE expires_at <= clock_timestamp();
	WITH looked AS (
		SELECT id, state, finished_at FROM job
		WHERE id > p_after ORDER BY id LIMIT p_limit
	), gone AS (
		DELETE FROM job USING looked
		WHERE job.id = looked.id AND job.finished_at < clock_timestamp()
			- interval '1 s' * CASE job.state
				WHEN 'completed' THEN p_completed_s
				WHEN 'cancelled' THEN p_cancelled_s
				ELSE p_discarded_s END
			AND job.state IN ('completed', 'cancelled', 'discarded')
	)
	SELECT max(id::text)::uuid INTO v_last FROM looked
	HAVING count(*) = p_limit;
	RETURN v_last;
END
$$;

-- Adds to the counters. The argument is an array of {kind, completed, failed,
-- discarded, runMs, buckets}; buckets is empty if no attempt ran.
CREATE FUNCTION job_count(p_counts jsonb) RETURNS void
LANGUAGE sql AS $$
	INSERT INTO job_stat AS s (kind, completed, failed, discarded,
		run_ms_sum, run_buckets)
	SELECT * FROM jsonb_to_recordset(p_counts) AS c (kind text,
		completed bigint, failed bigint, discarded bigint,
		"runMs" bigint, buckets bigint[])
	-- sorted, so that concurrent calls wait for each other and do not
	-- deadlock
	ORDER BY kind
	ON CONFLICT (kind) DO UPDATE
	SET completed = s.completed + excluded.completed,
		failed = s.failed + excluded.failed,
		discarded = s.discarded + excluded.discarded,
		run_ms_sum = s.run_ms_sum + excluded.run_ms_sum,
		run_buckets = ARRAY(SELECT coalesce(a, 0) + coalesce(b, 0)
			FROM unnest(s.run_buckets, excluded.run_buckets)
			WITH ORDINALITY AS u (a, b, n) ORDER BY n)
$$;

-- Schedules

-- Returns the first time after p_after that matches a cron expression, in the
-- local time of p_timezone. Each field is a list of matching numbers. If
-- p_either is true, a day matches by its date or by its weekday, as cron
-- specifies when both fields are given; otherwise both must match.
--
-- When clocks are set forward, a local time that does not exist is replaced by
-- the time that the clocks show instead (02:30 runs at 03:30). When clocks are
-- set back, a local time that occurs twice runs only once. With p_every_hour
-- (the field of the hour begins with '*') both of these hours count, although
-- they have the same number.
CREATE FUNCTION job_cron_next(p_minutes integer[], p_hours integer[],
	p_days integer[], p_months integer[], p_weekdays integer[],
	p_either boolean, p_every_hour boolean, p_timezone text,
	p_after timestamptz) RETURNS timestamptz
LANGUAGE plpgsql STABLE AS $$
DECLARE
	-- Begin two days earlier: a local time that is skipped at the end of a
	-- day is replaced by one of the next day.
	v_day date := (p_after AT TIME ZONE p_timezone)::date - 2;
	-- A February 29 that is a Sunday comes again after 40 years at most.
	v_end date := v_day + 41 * 366;
	v_date boolean;
	v_weekday boolean;
	v_at timestamptz;
BEGIN
	WHILE v_day < v_end LOOP
		v_day := v_day + 1;
		v_date := extract(day FROM v_day) = ANY (p_days);
		v_weekday := extract(dow FROM v_day) = ANY (p_weekdays);
		CONTINUE WHEN extract(month FROM v_day) <> ALL (p_months)
			OR NOT CASE WHEN p_either THEN v_date OR v_weekday
				ELSE v_date AND v_weekday END;
		IF p_every_hour THEN
			-- The search begins earlier than midnight, by more than
			-- clocks are ever set back: if midnight occurs twice,
			-- AT TIME ZONE returns the second one.
			SELECT min(u) INTO v_at
			FROM generate_series(
				greatest(v_day::timestamp AT TIME ZONE p_timezone
					- interval '3 hours',
					date_trunc('minute', p_after)),
				(v_day + 1)::timestamp AT TIME ZONE p_timezone,
				'1 minute') AS u
			CROSS JOIN LATERAL (SELECT u AT TIME ZONE p_timezone)
				AS l (wall)
			WHERE u > p_after AND wall::date = v_day
				AND extract(hour FROM wall) = ANY (p_hours)
				AND extract(minute FROM wall) = ANY (p_minutes);
		ELSE
			SELECT min(u) INTO v_at
			FROM unnest(p_hours) AS h CROSS JOIN unnest(p_minutes) AS m
			CROSS JOIN LATERAL (SELECT
				(v_day + make_interval(hours => h, mins => m))
				AT TIME ZONE p_timezone) AS t (u)
			WHERE u > p_after;
		END IF;
		IF v_at IS NOT NULL THEN
			RETURN v_at;
		END IF;
	END LOOP;
	RETURN NULL;
END
$$;

-- Stores a schedule. A schedule that exists keeps its due time, so that missed
-- times can be caught up with, unless its cron expression or time zone has
-- changed.
CREATE FUNCTION job_schedule_set(p_name text, p_cron text, p_timezone text,
	p_kind text, p_minutes integer[], p_hours integer[], p_days integer[],
	p_months integer[], p_weekdays integer[], p_either boolean,
	p_every_hour boolean) RETURNS void
LANGUAGE sql AS $$
	INSERT INTO job_schedule AS s (name, cron, timezone, kind, next_at)
	SELECT p_name, p_cron, p_timezone, p_kind, job_cron_next(p_minutes,
		p_hours, p_days, p_months, p_weekdays, p_either, p_every_hour,
		p_timezone, clock_timestamp())
	ON CONFLICT (name) DO UPDATE
	SET cron = excluded.cron, timezone = excluded.timezone,
		kind = excluded.kind, unseen = 0, next_at = CASE
			WHEN (s.cron, s.timezone)
				= (excluded.cron, excluded.timezone)
			THEN s.next_at ELSE excluded.next_at END
	WHERE (s.cron, s.timezone, s.kind)
		IS DISTINCT FROM (excluded.cron, excluded.timezone, excluded.kind)
$$;

-- A worker calls this regularly with the schedules that it declares. A schedule
-- is deleted when ten checks, a minute apart, have found that no running worker
-- declares it. Checks are counted, and not time: after an outage of all
-- workers, or of the database, the first worker that is back must not delete
-- the schedules that other workers are about to declare. Returns which of the
-- names exist; another release may have declared them.
CREATE FUNCTION job_schedule_keep(p_names text[], p_crons text[],
	p_timezones text[]) RETURNS SETOF text
LANGUAGE plpgsql AS $$
BEGIN
	UPDATE job_schedule s
	SET unseen = CASE WHEN own THEN 0 ELSE unseen + 1 END,
		looked_at = clock_timestamp()
	FROM (SELECT name, (name, cron, timezone) IN (SELECT * FROM
		unnest(p_names, p_crons, p_timezones)) FROM job_schedule)
		AS d (name, own)
	WHERE s.name = d.name AND CASE WHEN own THEN unseen > 0
		ELSE looked_at <= clock_timestamp() - interval '1 minute' END;
	DELETE FROM job_schedule WHERE unseen >= 10;
	RETURN QUERY SELECT name FROM job_schedule WHERE name = ANY (p_names);
END
$$;

-- Enqueues the due jobs of a schedule, and sets the next time at which it is
-- due. One worker does this; others skip a schedule that is locked. p_catch_up
-- says for which missed times (more than a minute ago) a job is enqueued:
-- 'once' (one job for all of them), 'skip' (none), 'all' (one job for each of
-- the first 1000). Returns the number of jobs.
CREATE FUNCTION job_fire(p_name text, p_cron text, p_timezone text,
	p_minutes integer[], p_hours integer[], p_days integer[],
	p_months integer[], p_weekdays integer[], p_either boolean,
	p_every_hour boolean, p_catch_up text, p_kind text, p_payload jsonb,
	p_queue text, p_max_attempts integer, p_backoff text,
	p_backoff_base_s integer, p_backoff_max_s integer) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
	v_now timestamptz := clock_timestamp();
	v_at timestamptz;
	v_fired integer := 0;
	v_job_id uuid;
BEGIN
	-- If another release has declared the schedule differently, this worker
	-- enqueues nothing for it.
	SELECT next_at INTO v_at FROM job_schedule
	WHERE name = p_name AND cron = p_cron AND timezone = p_timezone
		AND next_at <= v_now
	FOR UPDATE SKIP LOCKED;
	IF NOT FOUND THEN
		RETURN 0;
	END IF;
	IF p_catch_up = 'skip' THEN
		v_at := CASE WHEN v_at > v_now - interval '1 minute' THEN v_at
			ELSE job_cron_next(p_minutes, p_hours, p_days, p_months,
				p_weekdays, p_either, p_every_hour, p_timezone,
				v_now - interval '1 minute') END;
	END IF;
	WHILE v_at <= v_now AND v_fired < CASE p_catch_up WHEN 'all' THEN 1000
		ELSE 1 END LOOP
		v_job_id := (job_enqueue(p_kind, p_payload, p_queue,
			p_max_attempts => p_max_attempts, p_backoff => p_backoff,
			p_backoff_base_s => p_backoff_base_s,
			p_backoff_max_s => p_backoff_max_s,
			p_tags => ARRAY['schedule:' || p_name],
			p_due_at => v_at)).job_id;
		v_fired := v_fired + 1;
		v_at := job_cron_next(p_minutes, p_hours, p_days, p_months,
			p_weekdays, p_either, p_every_hour, p_timezone, v_at);
	END LOOP;
	UPDATE job_schedule
	SET next_at = job_cron_next(p_minutes, p_hours, p_days, p_months,
			p_weekdays, p_either, p_every_hour, p_timezone, v_now),
		last_at = CASE WHEN v_fired > 0 THEN v_now ELSE last_at END,
		last_job_id = coalesce(v_job_id, last_job_id)
	WHERE name = p_name;
	IF v_fired > 0 THEN
		PERFORM pg_notify('job', '');
	END IF;
	RETURN v_fired;
END
$$;

-- The database role of the application, which has the same name as the service
-- that is being migrated.
DO $$
DECLARE
	v_role text := current_setting('kedge.service');
BEGIN
	EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON job, job_ready,
		job_waiting, job_worker, job_claim, job_unique, job_queue,
		job_kind, job_schedule, job_stat TO %I', v_role);
END
$$;
