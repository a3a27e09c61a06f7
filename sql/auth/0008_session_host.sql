-- The hosts that cache sessions, and the epoch that all of them must know.
--
-- The epoch moves to a table of its own.  Releases before this one key their
-- cache by the old one and tell no host; what they read and write under its
-- name is made below so that they run, without their cache, beside this one.

CREATE TABLE kedge_session_epoch (
	one boolean PRIMARY KEY DEFAULT true CHECK (one),
	epoch bigint NOT NULL CHECK (epoch > 0)
);
INSERT INTO kedge_session_epoch (epoch)
SELECT greatest(epoch + 1, (extract(epoch FROM clock_timestamp()) * 1000)::bigint)
FROM kedge_cache_epoch;

-- One row for each group of processes with shared memory.  Such a host answers
-- from its cache only while it holds this lease, and `epoch` is one that all of
-- its processes know: see services/auth/session/lease.h.
CREATE TABLE kedge_session_host (
	host text PRIMARY KEY,
	epoch bigint NOT NULL,
	expires_at timestamptz NOT NULL
) WITH (fillfactor = 50);

GRANT SELECT, UPDATE ON kedge_session_epoch TO auth;
GRANT SELECT, INSERT, UPDATE, DELETE ON kedge_session_host TO auth;

-- Releases from this one on set kedge.revoking to 'tombstone': they have put
-- one, or raise the epoch and wait for every host, before they answer.  An older
-- release sets 'on', and its revocation raises the epoch here instead.
--
-- No lock but the row's own: tombstones hold for every epoch, so a revocation
-- does not mind when the epoch is raised.
CREATE OR REPLACE FUNCTION kedge_raise_cache_epoch() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $body$
BEGIN
	IF current_setting('kedge.revoking', true) = 'tombstone' THEN
		RETURN NULL;
	END IF;
	UPDATE public.kedge_session_epoch SET epoch = epoch + 1;
	PERFORM set_config('kedge.revoking', 'tombstone', true);
	RETURN NULL;
END
$body$;

-- To an older release the epoch is another one at each look, so what it has
-- cached is always out of its reach; and when it raises it, ours is raised.
DROP TABLE kedge_cache_epoch;
CREATE VIEW kedge_cache_epoch AS
	SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS epoch;

CREATE FUNCTION kedge_raise_for_older_release() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $body$
BEGIN
	UPDATE public.kedge_session_epoch SET epoch = epoch + 1;
	RETURN new;
END
$body$;
CREATE TRIGGER kedge_cache_epoch_raised INSTEAD OF UPDATE ON kedge_cache_epoch
	FOR EACH ROW EXECUTE FUNCTION kedge_raise_for_older_release();
GRANT SELECT, UPDATE ON kedge_cache_epoch TO auth;
