-- The audit log: who did what on whose behalf, chained by hashes.
--
-- An act of an operator inserts its row of audit_event in its own transaction
-- (fcgi/audit/audit.h), so there is a row if and only if the act was committed.
-- The order of the chain is made afterwards: audit_chain() gives each new row
-- the next number and a hash that covers the hash before it, in audit_link. So
-- transactions that write rows do not wait for each other. A row that commits
-- late gets a later number.
--
-- Nobody changes or deletes rows of these two tables: the application may only
-- insert events, triggers refuse the rest, and whoever removes the triggers is
-- found by "kedge audit verify". What that compares is in docs/AUDIT.md.

CREATE TABLE audit_event (
	id uuid PRIMARY KEY DEFAULT uuidv7(),
	at timestamptz NOT NULL DEFAULT clock_timestamp(),
	-- A user's id, or the account of the operating system that has called a
	-- command.
	actor text NOT NULL CHECK (char_length(actor) BETWEEN 1 AND 255),
	actor_kind text NOT NULL
		CHECK (actor_kind IN ('user', 'command', 'service')),
	-- The user as whom the actor acted.
	acting_as text CHECK (char_length(acting_as) BETWEEN 1 AND 255),
	action text NOT NULL CHECK (action ~ '^[a-z0-9-]+(\.[a-z0-9-]+)+$'
		AND char_length(action) <= 100),
	object_kind text NOT NULL
		CHECK (char_length(object_kind) BETWEEN 1 AND 100),
	object_id text NOT NULL CHECK (char_length(object_id) BETWEEN 1 AND 500),
	address text CHECK (char_length(address) <= 100),
	request_id text CHECK (char_length(request_id) <= 200),
	-- json, not jsonb: the hash covers the text as it was written.
	before json CHECK (octet_length(before::text) <= 16384),
	after json CHECK (octet_length(after::text) <= 16384)
);
CREATE INDEX audit_event_actor ON audit_event (actor, id);
CREATE INDEX audit_event_object ON audit_event (object_id, id);
CREATE INDEX audit_event_action ON audit_event (action, id);

CREATE TABLE audit_link (
	seq bigint PRIMARY KEY CHECK (seq > 0),
	event_id uuid NOT NULL UNIQUE,
	event_sha256 bytea NOT NULL CHECK (octet_length(event_sha256) = 32),
	-- SHA-256 of the previous one (of nothing for seq 1), seq and
	-- event_sha256.
	sha256 bytea NOT NULL CHECK (octet_length(sha256) = 32)
);

-- The events that have no link yet, so that audit_chain() need not search.
CREATE TABLE audit_unlinked (event_id uuid PRIMARY KEY);

CREATE FUNCTION audit_inserted() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
	INSERT INTO audit_unlinked (event_id) VALUES (NEW.id);
	RETURN NULL;
END
$$;
CREATE FUNCTION audit_refuse() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
	-- audit_forget() deletes the events of a time that is over.
	IF TG_TABLE_NAME = 'audit_event' AND TG_OP = 'DELETE'
		AND current_setting('kedge.audit_forget', true) = 'on' THEN
		RETURN OLD;
	END IF;
	RAISE EXCEPTION 'the audit log is append-only: % on % is refused',
		TG_OP, TG_TABLE_NAME
		USING HINT = '"kedge audit forget" deletes old events.';
END
$$;
CREATE TRIGGER audit_inserted AFTER INSERT ON audit_event
	FOR EACH ROW EXECUTE FUNCTION audit_inserted();
CREATE TRIGGER audit_event_kept BEFORE UPDATE OR DELETE ON audit_event
	FOR EACH ROW EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER audit_event_whole BEFORE TRUNCATE ON audit_event
	FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER audit_link_kept BEFORE UPDATE OR DELETE ON audit_link
	FOR EACH ROW EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER audit_link_whole BEFORE TRUNCATE ON audit_link
	FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();

-- The bytes that the hash of an event covers: each value with its length, so
-- that no two rows have the same text. "kedge audit verify" has the same
-- expression, because whoever changes rows could change this function, too.
CREATE FUNCTION audit_bytes(e audit_event) RETURNS bytea
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp
AS $$
	SELECT convert_to(string_agg(
		coalesce(octet_length(v) || ':' || v, '-'), ',' ORDER BY n), 'UTF8')
	FROM unnest(ARRAY[e.id::text,
		(extract(epoch FROM e.at) * 1000000)::bigint::text, e.actor,
		e.actor_kind, e.acting_as, e.action, e.object_kind, e.object_id,
		e.address, e.request_id, e.before::text, e.after::text])
		WITH ORDINALITY AS t (v, n)
$$;

-- Links at most p_limit events, oldest first. Returns how many it has linked,
-- and the last link.
CREATE FUNCTION audit_chain(p_limit bigint, OUT linked bigint, OUT last_seq bigint,
	OUT last_sha256 text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
	e audit_event;
	v_event bytea;
	v_last bytea;
BEGIN
	linked := 0;
	IF NOT EXISTS (SELECT FROM audit_unlinked) THEN
		SELECT seq, encode(sha256, 'hex') INTO last_seq, last_sha256
		FROM audit_link ORDER BY seq DESC LIMIT 1;
		RETURN;
	END IF;
	-- One transaction at a time; readers do not wait.
	LOCK TABLE audit_link IN SHARE ROW EXCLUSIVE MODE;
	SELECT l.seq, l.sha256 INTO last_seq, v_last
	FROM audit_link l ORDER BY l.seq DESC LIMIT 1;
	last_seq := coalesce(last_seq, 0);
	v_last := coalesce(v_last, '');
	FOR e IN SELECT a.* FROM audit_unlinked u
		JOIN audit_event a ON a.id = u.event_id ORDER BY a.id LIMIT p_limit
	LOOP
		last_seq := last_seq + 1;
		v_event := sha256(audit_bytes(e));
		v_last := sha256(v_last || int8send(last_seq) || v_event);
		INSERT INTO audit_link (seq, event_id, event_sha256, sha256)
		VALUES (last_seq, e.id, v_event, v_last);
		DELETE FROM audit_unlinked WHERE event_id = e.id;
		linked := linked + 1;
	END LOOP;
	last_sha256 := encode(v_last, 'hex');
	last_seq := nullif(last_seq, 0);
END
$$;

-- Deletes the events before a time, up to the first one that is not older. An
-- event says so; the links stay. Only for the owner ("kedge audit forget").
CREATE FUNCTION audit_forget(p_before timestamptz, p_actor text,
	OUT forgotten bigint)
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
	v_through bigint;
BEGIN
	PERFORM audit_chain(9223372036854775807);
	SELECT coalesce(min(l.seq) - 1, (SELECT max(seq) FROM audit_link))
	INTO v_through
	FROM audit_link l JOIN audit_event e ON e.id = l.event_id
	WHERE e.at >= p_before;
	PERFORM set_config('kedge.audit_forget', 'on', /* is_local= */ true);
	DELETE FROM audit_event e USING audit_link l
	WHERE l.event_id = e.id AND l.seq <= v_through;
	GET DIAGNOSTICS forgotten = ROW_COUNT;
	PERFORM set_config('kedge.audit_forget', 'off', true);
	IF forgotten > 0 THEN
		INSERT INTO audit_event (actor, actor_kind, action, object_kind,
			object_id, after)
		VALUES (p_actor, 'command', 'audit.forget', 'audit', 'events',
			json_build_object('throughSeq', v_through, 'before',
				p_before, 'events', forgotten));
		PERFORM audit_chain(9223372036854775807);
	END IF;
END
$$;

DO $$
DECLARE
	v_role text := current_setting('kedge.service');
	v_function regprocedure;
BEGIN
	FOR v_function IN
		SELECT oid FROM pg_proc
		WHERE pronamespace = 'public'::regnamespace AND proname ~ '^audit_'
	LOOP
		EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC',
			v_function);
	END LOOP;
	-- Not id and at: the database decides when something happened.
	EXECUTE format('GRANT SELECT, INSERT (actor, actor_kind, acting_as,
		action, object_kind, object_id, address, request_id, before,
		after) ON audit_event TO %I', v_role);
	EXECUTE format('GRANT SELECT ON audit_link TO %I', v_role);
	EXECUTE format('GRANT EXECUTE ON FUNCTION audit_chain(bigint) TO %I',
		v_role);
END
$$;
