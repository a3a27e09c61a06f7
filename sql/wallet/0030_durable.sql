-- What the ledger has answered is on disk, whatever synchronous_commit says.
--
-- The service's sessions set it when they connect.  A role may turn it off for all
-- its other sessions (ALTER ROLE … SET), and then a transfer that somebody makes by
-- calling the ledger's functions from psql or a program of their own could be lost
-- after its COMMIT.  So whatever writes a transfer or an account turns it on for the
-- rest of its transaction.  (SET synchronous_commit at a function would end with the
-- function, which is before the COMMIT.)

CREATE FUNCTION ledger_durable() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
	IF current_setting('synchronous_commit') NOT IN ('on', 'remote_apply') THEN
		PERFORM set_config('synchronous_commit', 'on', true);
	END IF;
	RETURN NULL;
END
$$;
REVOKE EXECUTE ON FUNCTION ledger_durable() FROM PUBLIC;

CREATE TRIGGER transfer_durable BEFORE INSERT OR UPDATE ON transfer
	FOR EACH STATEMENT EXECUTE FUNCTION ledger_durable();
CREATE TRIGGER account_durable BEFORE INSERT OR UPDATE OF frozen ON account
	FOR EACH STATEMENT EXECUTE FUNCTION ledger_durable();
