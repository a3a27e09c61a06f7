-- The hosts that cache sessions, and the epoch that all of them must know.
--
-- The epoch moves to a table of its own. Earlier releases use the old epoch in
-- their cache keys and do not inform other hosts about it. The view and the
-- trigger at the end emulate the old table for them, so that they run, without
-- their cache, beside this release.
-- kedge: formerly e2c5b078153d2ff579bc84b34220bc1f28424f78c3dd70f60b8caec8f80143c6

CREATE TABLE kedge_session_epoch (
	one boolean PRIMARY KEY DEFAULT true CHECK (one),
	epoch bigint NOT NULL CHECK (epoch > 0)
);
INSERT INTO kedge_session_epoch (epoch)
SELECT greatest(epoch + 1, (extract(epoch FROM clock_timestamp()) * 1000)::bigint)
FROM kedge_cache_epoch;

-- One row for each host (a group of processes with shared memory). A host
-- answers from its cache only while it has this row as its lease. `epoch` is an
-- epoch that all of the host's processes know: see
-- services/auth/identity/lease.h.
CREATE TABLE kedge_session_host (
	host text PRIMARY KEY,
	epoch bigint NOT NULL,
	expires_at timestamptz NOT NULL
) WITH (fillfactor = 50);

GRANT SELECT, UPDATE ON kedge_session_epoch TO auth;
GRANT SELECT, INSERT, UPDATE, DELETE ON kedge_session_host TO auth;

-- This release and later ones set kedge.revoking to 'tombstone' when they
-- revoke sessions: before they answer, they have either written a tombstone, or
-- raised the epoch and waited for every host. An older release sets
-- kedge.revoking to 'on'; then this function raises the epoch for it.
--
-- Only the row of the epoch is locked, not revocations: tombstones are valid in
-- every epoch, so a revocation need not wait while the epoch is raised.
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

-- For older releases. Each time they read this view they get a different epoch,
-- so they never find what they have cached. When they raise their epoch, the
-- trigger below raises the new one.
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
