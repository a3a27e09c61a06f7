-- Revokes cached sessions after changes that auth did not make itself.
--
-- For sessions that auth revokes, it writes tombstones into its cache. A person
-- at a psql prompt writes none, and neither does a BetterAuth server on the
-- same database. So their changes raise the epoch, which invalidates the whole
-- cache; auth notices that within a second. auth's own transactions set
-- kedge.revoking to say that they write tombstones themselves. The function
-- below sets it, too, so that it raises the epoch only once in each
-- transaction.
--
-- The function runs at commit. It takes a lock that revocations wait for, and a
-- transaction that somebody left open must not hold that lock. (TRUNCATE locks
-- the whole table in any case.)
-- kedge: formerly 0487474c692e56d632e53a5b6ce7afa37c9c81c36c3bee0f11f6e663c09c31a9

CREATE FUNCTION kedge_raise_cache_epoch() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog
AS $body$
BEGIN
	IF current_setting('kedge.revoking', true) = 'on' THEN
		RETURN NULL;
	END IF;
	-- The lock is exclusive: see services/auth/identity/session.h.
	PERFORM pg_advisory_xact_lock(
		hashtextextended('kedge_cache_epoch', 0));
	UPDATE public.kedge_cache_epoch SET epoch = epoch + 1;
	PERFORM set_config('kedge.revoking', 'on', true);
	RETURN NULL;
END
$body$;

CREATE CONSTRAINT TRIGGER kedge_session_deleted AFTER DELETE ON "session"
	DEFERRABLE INITIALLY DEFERRED
	FOR EACH ROW WHEN (old."expiresAt" > now())
	EXECUTE FUNCTION kedge_raise_cache_epoch();

-- An update that only extends a session's lifetime is not a revocation, so it
-- does not fire this trigger.
CREATE CONSTRAINT TRIGGER kedge_session_changed AFTER UPDATE ON "session"
	DEFERRABLE INITIALLY DEFERRED
	FOR EACH ROW WHEN (new."expiresAt" < old."expiresAt"
		OR new."token" <> old."token" OR new."userId" <> old."userId")
	EXECUTE FUNCTION kedge_raise_cache_epoch();

CREATE CONSTRAINT TRIGGER kedge_user_changed AFTER UPDATE ON "user"
	DEFERRABLE INITIALLY DEFERRED
	FOR EACH ROW WHEN (new."role" IS DISTINCT FROM old."role"
		OR new."banned" IS DISTINCT FROM old."banned"
		OR new."banExpires" IS DISTINCT FROM old."banExpires")
	EXECUTE FUNCTION kedge_raise_cache_epoch();

CREATE TRIGGER kedge_session_truncated AFTER TRUNCATE ON "session"
	FOR EACH STATEMENT EXECUTE FUNCTION kedge_raise_cache_epoch();
