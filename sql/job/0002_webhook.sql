-- Webhooks out: who wants to be told of what.  A delivery is a job of the kind
-- webhook.deliver; see fcgi/job/README.md.

CREATE TABLE webhook_endpoint (
	id uuid PRIMARY KEY DEFAULT uuidv7(),
	url text NOT NULL CHECK (char_length(url) <= 2000),
	-- "whsec_" and base64, as Standard Webhooks has it.
	secret text NOT NULL CHECK (secret ~ '^whsec_[A-Za-z0-9+/=]{32,100}$'),
	-- Event types; '*' is every one.
	kinds text[] NOT NULL CHECK (cardinality(kinds) BETWEEN 1 AND 50),
	description text NOT NULL DEFAULT '',
	disabled_at timestamptz,
	disabled_reason text,
	-- Since the last success.
	failures integer NOT NULL DEFAULT 0,
	failing_since timestamptz,
	last_error text,
	version bigint NOT NULL DEFAULT 1,
	created_at timestamptz NOT NULL DEFAULT now()
);

-- In the caller's transaction: one delivery for each endpoint that is enabled
-- and wants the event.  Returns how many.  First at once, then after 5, 10, 20
-- seconds and so on up to 6 hours, for 3 days.
CREATE FUNCTION webhook_emit(p_type text, p_data jsonb) RETURNS integer
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
		v_event := coalesce(v_event, 'evt_' || uuidv7());
		PERFORM job_enqueue('webhook.deliver',
			jsonb_build_object('endpointId', v_endpoint,
				'eventId', v_event, 'type', p_type,
				'timestamp', job_time(clock_timestamp()),
				'data', p_data),
			p_queue => 'webhooks', p_max_attempts => 24,
			p_backoff_base_s => 5, p_backoff_max_s => 21600,
			p_tags => ARRAY['endpoint:' || v_endpoint]);
		v_count := v_count + 1;
	END LOOP;
	RETURN v_count;
END
$$;

DO $$
BEGIN
	EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE
		ON webhook_endpoint TO %I', current_setting('kedge.service'));
END
$$;
