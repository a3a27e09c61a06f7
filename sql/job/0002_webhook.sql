-- Webhooks out: who wants to be told of what.  A delivery is a job of the kind
-- webhook.deliver; see fcgi/job/WEBHOOKS.md.

CREATE TABLE webhook_endpoint (
	id uuid PRIMARY KEY DEFAULT uuidv7(),
	url text NOT NULL CHECK (char_length(url) BETWEEN 1 AND 2000),
	-- "whsec_" and the key in base64, as Standard Webhooks has it.
	secret text NOT NULL CHECK (secret ~ '^whsec_[A-Za-z0-9+/=]{32,100}$'),
	-- The one before, which signs as well until then.
	old_secret text,
	old_secret_until timestamptz,
	-- Event types; '*' is every one.
	kinds text[] NOT NULL CHECK (cardinality(kinds) BETWEEN 1 AND 50),
	description text NOT NULL DEFAULT ''
		CHECK (char_length(description) <= 500),
	disabled_at timestamptz,
	disabled_reason text,
	-- Since the last success.
	failures integer NOT NULL DEFAULT 0,
	failing_since timestamptz,
	last_error text,
	created_at timestamptz NOT NULL DEFAULT now(),
	updated_at timestamptz NOT NULL DEFAULT now(),
	CHECK ((old_secret IS NULL) = (old_secret_until IS NULL)),
	CHECK ((disabled_at IS NULL) = (disabled_reason IS NULL)),
	CHECK ((failing_since IS NULL) = (failures = 0))
);

-- The deliveries to an endpoint, newest first.  Of no other job a column is in
-- an index beside the id, and of these none that changes.
CREATE INDEX job_webhook_delivery ON job ((tags[1]), id)
	WHERE kind = 'webhook.deliver';

-- In the caller's transaction: one delivery, whether the endpoint is enabled or
-- not.  Returns the job's id.
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

-- In the caller's transaction: one delivery for each endpoint that is enabled
-- and wants the event.  Returns how many.  First at once, then after 5, 10, 20
-- seconds and so on up to 6 hours, for 3 days.
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
		-- The receivers' idempotency key, the same for all of them.
		v_event := coalesce(v_event, 'evt_' || uuidv7());
		PERFORM webhook_send(v_endpoint, v_event, p_type, p_data, 24,
			p_trace_id, p_request_id);
		v_count := v_count + 1;
	END LOOP;
	RETURN v_count;
END
$$;

-- What an attempt came to.  p_error NULL: it was taken.  Disables an endpoint
-- that is gone, that failed in the last attempt of a delivery, or that has
-- failed for three days and at least ten times; the reason, or NULL.
CREATE FUNCTION webhook_note(p_endpoint uuid, p_error text, p_gone boolean,
	p_last boolean) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	v_reason text;
BEGIN
	IF p_error IS NULL THEN
		-- Most are taken, one after the other: nothing is written then.
		UPDATE webhook_endpoint
		SET failures = 0, failing_since = NULL, last_error = NULL
		WHERE id = p_endpoint AND failures > 0;
		RETURN NULL;
	END IF;
	UPDATE webhook_endpoint
	SET failures = failures + 1, last_error = p_error,
		failing_since = coalesce(failing_since, clock_timestamp())
	WHERE id = p_endpoint
	RETURNING CASE WHEN disabled_at IS NOT NULL THEN NULL
		WHEN p_gone THEN 'it answered that it is gone (410)'
		WHEN p_last THEN 'a delivery failed in each of its attempts'
		WHEN failures >= 10 AND failing_since
			<= clock_timestamp() - interval '3 days'
			THEN 'it failed for 3 days' END
	INTO v_reason;
	IF v_reason IS NOT NULL THEN
		UPDATE webhook_endpoint
		SET disabled_at = clock_timestamp(),
			disabled_reason = v_reason
		WHERE id = p_endpoint;
	END IF;
	RETURN v_reason;
END
$$;

DO $$
BEGIN
	EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE
		ON webhook_endpoint TO %I', current_setting('kedge.service'));
END
$$;
