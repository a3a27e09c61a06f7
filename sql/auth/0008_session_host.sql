-- The hosts that cache sessions, and the epoch that all of them must know.
--
-- The epoch moves to a separate table.  Earlier releases have the old one in
-- their cache keys and inform no host; what they read and write under its name
-- is emulated below, so that they run, without their cache, beside this
-- release.
-- kedge: formerly e2c5b078153d2ff579bc84b34220bc1f28424f78c3dd70f60b8caec8f80143c6

CREATE TABLE kedge_session_epoch (
	one boolean PRIMARY KEY DEFAULT true CHECK (one),
	epoch bigint NOT NULL CHECK (epoch > 0)
);
INSERT INTO kedge_session_epoch (epoch)
SELECT greatest(epoch + 1, (extract(epoch FROM clock_timestamp()) * 1000)::bigint)
FROM kedge_cache_epoch;

-- One row for each host (a group of processes with shared memory).  A host
-- answers from its cache only while it has this lease, and `epoch` is one that
-- all of its processes know: see services/auth/identity/lease.h.
CREATE TABLE kedge_session_host (
	host text PRIMARY KEY,
	epoch bigint NOT NULL,
	expires_at timestamptz NOT NULL
) WITH (fillfactor = 50);

GRANT SELECT, UPDATE ON kedge_session_epoch TO auth;
GRANT SELECT, INSERT, UPDATE, DELETE ON kedge_session_host TO auth;

-- Releases from this one on set kedge.revoking to 'tombstone': before they
-- answer, they have written a tombstone, or raise the epoch and wait for every
-- host.  An older release sets 'on', and its revocation raises the epoch here
-- instead.
--
-- Only the row is locked: tombstones are valid in every epoch, so it does not
-- matter to a revocation when the epoch is raised.
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

-- An older release reads a different epoch each time, so it never finds
-- what it has cached; and when it raises its epoch, ours is raised.
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
