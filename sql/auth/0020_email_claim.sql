-- A change of a user's verified e-mail address reaches the cached claims.
--
-- verify tells applications that are not Kedge's this address (Remote-Email), so
-- it is a claim like the role: see 0003. The trigger is a second one instead of
-- a new version of kedge_user_changed, because dropping that one would lock
-- the table against reading.

CREATE CONSTRAINT TRIGGER kedge_user_email_changed AFTER UPDATE ON "user"
	DEFERRABLE INITIALLY DEFERRED
	FOR EACH ROW WHEN (new."email" IS DISTINCT FROM old."email"
		OR new."emailVerified" IS DISTINCT FROM old."emailVerified")
	EXECUTE FUNCTION kedge_raise_cache_epoch();
