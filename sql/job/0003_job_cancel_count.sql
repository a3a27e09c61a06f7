-- Improves jobs and webhooks: a job can be cancelled before it has begun, counters
-- survive the crash of a worker, the jobs of a schedule need not overlap, and the
-- limit of webhook endpoints holds for concurrent requests, too.
-- kedge: formerly 43206ebf97e57419e28fb5233cc23116e4f6b8460f14d321c1968f1cfe5dd735

-- A function that runs as the owner must not resolve names in the caller's
-- temporary schema, so each function of this file sets its search_path.

-- The time at which a claimed job was asked to stop.
ALTER TABLE job ADD COLUMN IF NOT EXISTS cancel_at timestamptz;

-- Infinite times are refused, because every subtraction with them would fail.
CREATE OR REPLACE FUNCTION job_put(p_job_id uuid, p_queue text,
	p_priority integer, p_run_at timestamptz, p_fence bigint) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
	IF NOT isfinite(p_run_at) THEN
		RAISE EXCEPTION 'a job cannot run at %', p_run_at
			USING ERRCODE = 'invalid_parameter_value';
	END IF;
	IF p_run_at <= clock_timestamp() THEN
		INSERT INTO job_ready (queue, priority, job_id, fence)
		VALUES (p_queue, p_priority, p_job_id, p_fence);
	ELSE
		INSERT INTO job_waiting (run_at, queue, priority, job_id, fence)
		VALUES (p_run_at, p_queue, p_priority, p_job_id, p_fence);
	END IF;
END
$$;

-- Ends attempts. The argument is an array of {id, fence, outcome, error,
-- result, delayS, agoMs, ranMs, transactional}. The outcome is one of:
-- completed; failed (the job is retried after the back-off or delayS, whichever
-- is longer, or discarded after the last attempt); discarded (the job is never
-- retried); released or snoozed (the job is available again after delayS, and
-- the attempt is not counted; released also adds no entry to the history);
-- cancelled.
--
-- Returns how many of the jobs still belonged to the caller: a job whose
-- fencing token has changed does not, and is not changed. The same applies to a
-- transactional attempt of a job that was cancelled before the attempt began
-- (agoMs): the caller rolls back its transaction and then releases the job,
-- which cancels it.
CREATE OR REPLACE FUNCTION job_finish(p_ends jsonb) RETURNS integer
LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp
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
			"agoMs" bigint, "ranMs" bigint, transactional boolean)
		WHERE j.id = e.id AND j.fence = e.fence AND j.state = 'running'
			AND NOT (j.cancel_requested AND e.transactional IS TRUE
				AND e.outcome <> 'released'
				AND coalesce(j.cancel_at <= v_now
					- e."agoMs" * interval '1 ms', false))
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

-- Cancels a job. A job that a worker has claimed is asked to stop: if its
-- attempt has not begun, it never begins, and the job is cancelled when the
-- worker comes to it or releases it. Returns the job's state after the call;
-- NULL: there is no such job.
CREATE OR REPLACE FUNCTION job_cancel(p_id uuid) RETURNS text
LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp
AS $$
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
		UPDATE job SET cancel_requested = true,
			cancel_at = CASE WHEN cancel_requested THEN cancel_at
				ELSE clock_timestamp() END
		WHERE id = p_id;
		PERFORM pg_notify('job_cancel', p_id::text);
	END IF;
	RETURN v_job.state;
END
$$;

-- Counters

-- For each source (a master and its workers), the number of its last counts
-- that were added. When it is not known whether counts have arrived, they are
-- sent again; with this number they are added only once.
CREATE TABLE job_stat_source (
	id uuid PRIMARY KEY,
	seq bigint NOT NULL,
	counted_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Adds counts as job_count() does, unless the same counts were added before.
CREATE FUNCTION job_count_once(p_source uuid, p_seq bigint, p_counts jsonb)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
	INSERT INTO job_stat_source AS s (id, seq) VALUES (p_source, p_seq)
	ON CONFLICT (id) DO UPDATE
	SET seq = excluded.seq, counted_at = clock_timestamp()
	WHERE s.seq < excluded.seq;
	IF FOUND THEN
		PERFORM job_count(p_counts);
	END IF;
	DELETE FROM job_stat_source
	WHERE counted_at < clock_timestamp() - interval '30 days';
END
$$;

-- Schedules

-- As in 0001, and with p_single: if the schedule's previous job has not ended
-- at a scheduled time (its queue is paused, or it is still running), no job is
-- enqueued. Returns the number of jobs.
CREATE FUNCTION job_fire(p_name text, p_cron text, p_timezone text,
	p_minutes integer[], p_hours integer[], p_days integer[],
	p_months integer[], p_weekdays integer[], p_either boolean,
	p_every_hour boolean, p_catch_up text, p_kind text, p_payload jsonb,
	p_queue text, p_max_attempts integer, p_backoff text,
	p_backoff_base_s integer, p_backoff_max_s integer, p_single boolean)
RETURNS integer
LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
	v_now timestamptz := clock_timestamp();
	v_at timestamptz;
	v_fired integer := 0;
	v_job_id uuid;
	v_made record;
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
		v_made := job_enqueue(p_kind, p_payload, p_queue,
			p_max_attempts => p_max_attempts, p_backoff => p_backoff,
			p_backoff_base_s => p_backoff_base_s,
			p_backoff_max_s => p_backoff_max_s,
			p_unique_key => CASE WHEN p_single
				THEN 'schedule:' || p_name END,
			p_tags => ARRAY['schedule:' || p_name],
			p_due_at => v_at);
		EXIT WHEN v_made.duplicate;
		v_job_id := v_made.job_id;
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

-- Webhooks

-- The limit of endpoints also holds for concurrent inserts: each insert waits
-- until the insert before it has committed, and then counts that row, too.
CREATE FUNCTION webhook_endpoint_limit() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
	PERFORM pg_advisory_xact_lock(hashtextextended('webhook endpoints', 0));
	IF (SELECT count(*) FROM webhook_endpoint) >= 100 THEN
		RAISE EXCEPTION 'there are 100 webhook endpoints already';
	END IF;
	RETURN new;
END
$$;
CREATE TRIGGER webhook_endpoint_limit BEFORE INSERT ON webhook_endpoint
	FOR EACH ROW EXECUTE FUNCTION webhook_endpoint_limit();

-- Called when the worker of these deliveries died before it could report their
-- results. For each delivery to an endpoint that does not answer,
-- webhook_put_off() had set not_before, so that only this one was attempted.
-- Now the next delivery is released at once, and need not wait until
-- not_before.
CREATE FUNCTION webhook_abandoned(p_jobs uuid[]) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
SET jit = off
AS $$
DECLARE
	v_endpoint uuid;
BEGIN
	FOR v_endpoint IN
		SELECT e.id FROM unnest(p_jobs) AS i (id)
		JOIN job j ON j.id = i.id AND j.kind = 'webhook.deliver'
		JOIN webhook_endpoint e ON e.id::text = j.payload->>'endpointId'
		WHERE e.not_before
			<= clock_timestamp() + interval '30 s'
		GROUP BY e.id ORDER BY e.id
	LOOP
		UPDATE webhook_endpoint SET not_before = clock_timestamp()
		WHERE id = v_endpoint AND not_before > clock_timestamp();
		PERFORM webhook_let_go(v_endpoint, 1, clock_timestamp());
	END LOOP;
END
$$;

-- Removes workers and takes back the jobs that they had claimed. The job
-- p_running has failed with the error p_error, and the other jobs are released;
-- if p_running is NULL, it is not known which job was running, and all of them
-- have failed. Returns all these jobs. Failures are counted, but not the time
-- that the attempts took: only the time since the claim is known.
CREATE OR REPLACE FUNCTION job_rescue(p_workers bigint[], p_running uuid,
	p_error text)
RETURNS TABLE (id uuid, kind text, attempt integer, outcome text, state text,
	error text, ago_ms bigint)
LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp
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
	CROSS JOIN LATERAL (SELECT coalesce((extract(epoch FROM
		clock_timestamp() - j.started_at) * 1000)::bigint, 0)) AS a (ms)
	WHERE c.worker_id = ANY (v_workers);
	IF v_ends IS NOT NULL THEN
		-- The rows of endpoints are locked before those of jobs, as in
		-- webhook_put_off().
		PERFORM webhook_abandoned(ARRAY(SELECT e.id
			FROM jsonb_to_recordset(v_ends) AS e (id uuid, outcome text)
			WHERE e.outcome = 'failed'));
		-- While this session waited for locks, another session may have
		-- ended some of the jobs. So lock the jobs that still belong to
		-- the workers, and end only these.
		WITH own AS (
			SELECT j.id
			FROM jsonb_to_recordset(v_ends)
				AS e (id uuid, fence bigint)
			JOIN job j ON j.id = e.id AND j.fence = e.fence
				AND j.state = 'running'
			FOR UPDATE OF j
		)
		SELECT jsonb_agg(e) INTO v_ends
		FROM jsonb_array_elements(v_ends) AS i (e)
		WHERE (e->>'id')::uuid IN (SELECT id FROM own);
	END IF;
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

DO $$
BEGIN
	EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE
		ON job_stat_source TO %I', current_setting('kedge.service'));
END
$$;
