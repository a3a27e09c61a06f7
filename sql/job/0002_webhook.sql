-- Outgoing webhooks: which endpoints get which events. Each delivery of an
-- event to an endpoint is a job of the kind webhook.deliver; see
-- fcgi/job/WEBHOOKS.md.
-- kedge: formerly 154404b6cb5b15f4f4566e6361ec15ae9b42e7b930f189a7e895ad1560eb39d6

CREATE TABLE webhook_endpoint (
	id uuid PRIMARY KEY DEFAULT uuidv7(),
	url text NOT NULL CHECK (char_length(url) BETWEEN 1 AND 2000),
	-- The secret is "whsec_" and the key in base64, as Standard Webhooks
	-- specifies.
	secret text NOT NULL CHECK (secret ~ '^whsec_[A-Za-z0-9+/=]{32,100}$'),
	-- The previous secret. Until old_secret_until, deliveries are signed
	-- with it, too.
	old_secret text,
	old_secret_until timestamptz,
	-- The types of events that the endpoint gets; '*' matches every type.
	kinds text[] NOT NULL CHECK (cardinality(kinds) BETWEEN 1 AND 50),
	description text NOT NULL DEFAULT ''
		CHECK (char_length(description) <= 500),
	disabled_at timestamptz,
	disabled_reason text,
	-- The number of failed attempts since the last success.
	failures integer NOT NULL DEFAULT 0,
	failing_since timestamptz,
	last_error text,
	-- Before this time only test events are sent to the endpoint. After it,
	-- one delivery is attempted alone.
	not_before timestamptz,
	created_at timestamptz NOT NULL DEFAULT now(),
	updated_at timestamptz NOT NULL DEFAULT now(),
	CHECK ((old_secret IS NULL) = (old_secret_until IS NULL)),
	CHECK ((disabled_at IS NULL) = (disabled_reason IS NULL)),
	CHECK ((failing_since IS NULL) = (failures = 0))
);

-- For lists of the deliveries to an endpoint, newest first. These are the only
-- jobs of which columns besides the id are in an index, and those columns never
-- change.
CREATE INDEX job_webhook_delivery ON job ((tags[1]), id)
	WHERE kind = 'webhook.deliver';

-- Deliveries that were postponed because their endpoint does not answer. Each
-- of them becomes due by itself in an hour or two; until then no worker looks
-- at them unless they are released. A row is valid only if it has the job's
-- current fencing token.
CREATE TABLE webhook_waiting (
	endpoint_id uuid NOT NULL
		REFERENCES webhook_endpoint ON DELETE CASCADE,
	job_id uuid NOT NULL,
	fence bigint NOT NULL,
	PRIMARY KEY (endpoint_id, job_id)
) WITH (
	autovacuum_vacuum_threshold = 1000,
	autovacuum_vacuum_scale_factor = 0,
	autovacuum_vacuum_cost_delay = 0
);

-- Enqueues one delivery in the caller's transaction, whether or not the
-- endpoint is enabled. Returns the job's id.
CREATE FUNCTION webhook_send(p_endpoint uuid, p_event text, p_type text,
	p_data jsonb, p_max_attempts integer, p_trace_id text,
	p_request_id text) RETURNS uuid
LANGUAGE sql AS $$
	SELECT job_id FROM job_enqueue('webhook.deliver',
		jsonb_build_object('endpointId', p_endpoint, 'eventId', p_event,
			'type', p_type, 'data', p_data,
			'timestamp', job_time(now())),
		p_queue => 'webhooks', p_max_attempts => p_max_attempts,
		p_backoff_base_s => 5, p_backoff_max_s => 21600,
		p_tags => ARRAY['endpoint:' || p_endpoint, 'event:' || p_type],
		p_trace_id => p_trace_id, p_request_id => p_request_id)
$$;

-- Enqueues, in the caller's transaction, one delivery for each enabled endpoint
-- that wants the event. Returns the number of deliveries. A delivery is
-- attempted at once, and after failures again after 5, 10, 20 seconds and so on
-- up to 6 hours, for 3 days.
CREATE FUNCTION webhook_emit(p_type text, p_data jsonb,
	p_trace_id text DEFAULT NULL, p_request_id text DEFAULT NULL)
RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
	v_endpoint uuid;
	v_event text;
	v_count integer := 0;
BEGIN
	FOR v_endpoint IN
		SELECT id FROM webhook_endpoint
		WHERE disabled_at IS NULL AND kinds && ARRAY[p_type, '*']
		ORDER BY id
	LOOP
		-- The id of the event, which receivers use as idempotency key;
		-- all endpoints get the same id.
		v_event := coalesce(v_event, 'evt_' || uuidv7());
		PERFORM webhook_send(v_endpoint, v_event, p_type, p_data, 24,
			p_trace_id, p_request_id);
		v_count := v_count + 1;
	END LOOP;
	RETURN v_count;
END
$$;

-- Makes the first p_count postponed deliveries of the endpoint due at the time
-- p_at. Returns their number. A call skips at most a thousand outdated rows, so
-- that it takes limited time; the next call continues after them.
CREATE FUNCTION webhook_let_go(p_endpoint uuid, p_count integer,
	p_at timestamptz) RETURNS integer
LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off
SET jit = off
AS $$
DECLARE
	v_waiting webhook_waiting;
	v_job job;
	v_freed integer := 0;
BEGIN
	FOR i IN 1 .. 1000 LOOP
		EXIT WHEN v_freed >= p_count;
		DELETE FROM webhook_waiting WHERE ctid = ANY (ARRAY(
			SELECT ctid FROM webhook_waiting
			WHERE endpoint_id = p_endpoint
			ORDER BY job_id LIMIT 1
			FOR UPDATE SKIP LOCKED))
		RETURNING * INTO v_waiting;
		EXIT WHEN NOT FOUND;
		-- Increment the job's fencing token: the row of job_waiting
		-- that has the old token is then void, and cannot start the
		-- delivery twice.
		UPDATE job SET run_at = p_at, fence = fence + 1
		WHERE id = v_waiting.job_id AND fence = v_waiting.fence
			AND state = 'available'
		RETURNING * INTO v_job;
		-- If no such job is found, it was cancelled or is due already.
		CONTINUE WHEN NOT FOUND;
		PERFORM job_put(v_job.id, v_job.queue, v_job.priority, p_at,
			v_job.fence);
		v_freed := v_freed + 1;
	END LOOP;
	-- If only one job was released, the caller claims it itself, so no
	-- other worker is notified.
	IF v_freed > 1 THEN
		PERFORM pg_notify('job', '');
	END IF;
	RETURN v_freed;
END
$$;

-- Called before a delivery to an endpoint that does not answer. Returns true if
-- the delivery was postponed, which ends the attempt as if it had not begun.
-- Returns false if it may be attempted; no other delivery to the endpoint is
-- then attempted until its result is reported or, if that never happens, until
-- the handler's time limit is over. The endpoint's row stays locked in both
-- cases, so that a release sees all postponed deliveries.
CREATE FUNCTION webhook_put_off(p_endpoint uuid, p_job uuid, p_fence bigint)
RETURNS boolean
LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off
SET jit = off
AS $$
DECLARE
	v_until timestamptz;
	v_now timestamptz;
	v_delay_s integer;
BEGIN
	SELECT not_before INTO v_until FROM webhook_endpoint
	WHERE id = p_endpoint FOR UPDATE;
	v_now := clock_timestamp();
	IF v_until IS NULL THEN
		RETURN false; -- the endpoint has answered meanwhile
	END IF;
	IF v_until <= v_now THEN
		UPDATE webhook_endpoint SET not_before = v_now + interval '30 s'
		WHERE id = p_endpoint;
		DELETE FROM webhook_waiting
		WHERE endpoint_id = p_endpoint AND job_id = p_job;
		RETURN false;
	END IF;
	-- The first postponed delivery is due when the endpoint's pause is
	-- over. The other deliveries wait for its result; they become due at
	-- random times, in case its result is never reported.
	v_delay_s := CASE WHEN EXISTS (SELECT FROM webhook_waiting
			WHERE endpoint_id = p_endpoint AND job_id <> p_job)
		THEN 3600 * (1 + random())
		ELSE ceil(extract(epoch FROM v_until - v_now)) END;
	INSERT INTO webhook_waiting (endpoint_id, job_id, fence)
	VALUES (p_endpoint, p_job, p_fence)
	ON CONFLICT (endpoint_id, job_id) DO UPDATE SET fence = excluded.fence;
	PERFORM job_finish(jsonb_build_array(jsonb_build_object('id', p_job,
		'fence', p_fence, 'outcome', 'released', 'delayS', v_delay_s)));
	RETURN true;
END
$$;

-- Records the result of an attempt to deliver. p_error is NULL if the receiver
-- accepted the delivery. If p_silent is true, there was no answer, and
-- deliveries are postponed for as long as the endpoint has been failing (5
-- seconds to 10 minutes). In any case deliveries are postponed for p_pause_ms.
-- Each attempt releases postponed deliveries: if the endpoint answered, the
-- next one at once (or ten, if deliveries were being postponed until now);
-- otherwise one, which becomes due when the pause is over.
--
-- Disables an endpoint that is gone, that failed in the last attempt of a
-- delivery, or that has failed for three days and at least ten times. Returns
-- the reason for which the endpoint was disabled, or NULL.
CREATE FUNCTION webhook_note(p_endpoint uuid, p_error text, p_gone boolean,
	p_last boolean, p_silent boolean, p_pause_ms integer) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	v_was webhook_endpoint;
	v_now timestamptz;
	v_since timestamptz;
	v_pause interval := p_pause_ms * interval '1 ms';
	v_until timestamptz;
	v_reason text;
BEGIN
	SELECT * INTO v_was FROM webhook_endpoint
	WHERE id = p_endpoint AND (p_error IS NOT NULL OR p_pause_ms > 0
		OR failures > 0 OR not_before IS NOT NULL)
	FOR UPDATE;
	v_now := clock_timestamp();
	-- Usually deliveries are accepted one after the other; then nothing
	-- about the endpoint changes, and nothing is written.
	IF NOT FOUND THEN
		PERFORM webhook_let_go(p_endpoint, 1, v_now);
		RETURN NULL;
	END IF;
	IF p_error IS NOT NULL THEN
		v_since := coalesce(v_was.failing_since, v_now);
		v_reason := CASE WHEN v_was.disabled_at IS NOT NULL THEN NULL
			WHEN p_gone THEN 'it answered that it is gone (410)'
			WHEN p_last
				THEN 'a delivery failed in each of its attempts'
			WHEN v_was.failures >= 9
				AND v_since <= v_now - interval '3 days'
				THEN 'it failed for 3 days' END;
	END IF;
	IF p_silent THEN
		v_pause := greatest(v_pause, interval '5 s',
			least(interval '10 minutes', v_now - v_since));
	END IF;
	IF v_pause > interval '0' THEN
		v_until := v_now + v_pause;
	END IF;
	UPDATE webhook_endpoint
	SET failures = CASE WHEN p_error IS NULL THEN 0 ELSE failures + 1 END,
		failing_since = v_since, last_error = p_error,
		not_before = v_until,
		disabled_at = CASE WHEN v_reason IS NULL THEN disabled_at
			ELSE v_now END,
		disabled_reason = coalesce(v_reason, disabled_reason)
	WHERE id = p_endpoint;
	PERFORM webhook_let_go(p_endpoint,
		CASE WHEN v_until IS NULL AND v_was.not_before IS NOT NULL
			THEN 10 ELSE 1 END, coalesce(v_until, v_now));
	RETURN v_reason;
END
$$;

DO $$
BEGIN
	EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE
		ON webhook_endpoint, webhook_waiting TO %I',
		current_setting('kedge.service'));
END
$$;
