-- Transfers and accounts that the ledger has acknowledged are on disk, whatever
-- synchronous_commit is set to.
--
-- The service's sessions turn synchronous_commit on when they connect. But a
-- role may turn it off for all its other sessions (ALTER ROLE … SET), and then
-- a transfer made by calling the ledger's functions from psql or another
-- program could be lost after its COMMIT. So a statement that writes a transfer
-- or an account turns synchronous_commit on for the rest of its transaction. (A
-- SET clause of a function would end with the function, which is before the
-- COMMIT.)
-- kedge: formerly fe05023d9ceddc16dd3c5903be75768ed3d4c3b86f90c6759e968367928e133b

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
