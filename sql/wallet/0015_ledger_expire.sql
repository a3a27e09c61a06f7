-- Each hold can be expired independently: a hold that cannot be expired does
-- not prevent the others.
-- kedge: formerly c855a314b549116d03e5f1d01ca897e788b170c9d68f2b25704b90f3e208c478

-- Releases those of the given holds that have expired; returns their number.
-- Either all of these are released or, if one of them fails, none: the caller
-- then tries each hold alone. Waits for a lock at most p_wait_ms.
CREATE FUNCTION ledger_expire_holds(p_ids uuid[], p_wait_ms integer,
	OUT expired integer, OUT emitted integer)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp SET lock_timeout = '1s' AS $$
DECLARE
	t transfer;
BEGIN
	expired := 0;
	emitted := 0;
	PERFORM set_config('lock_timeout', p_wait_ms || 'ms', true);
	PERFORM FROM account WHERE id IN (
		SELECT debit_account_id FROM transfer WHERE id = ANY(p_ids)
		UNION
		SELECT credit_account_id FROM transfer WHERE id = ANY(p_ids))
	ORDER BY id FOR NO KEY UPDATE;
	FOR t IN
		WITH ended AS (
			UPDATE transfer SET status = 'expired',
				settled_at = clock_timestamp()
			WHERE id = ANY(p_ids) AND status = 'held'
				AND expires_at <= clock_timestamp()
			RETURNING *
		)
		SELECT * FROM ended ORDER BY expires_at, id
	LOOP
		expired := expired + 1;
		emitted := emitted + transfer_emit('transfer.released', t, NULL);
	END LOOP;
END
$$;

-- The signature that the previous release calls.
CREATE OR REPLACE FUNCTION ledger_expire(p_limit integer, OUT expired integer,
	OUT emitted integer)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
	SELECT e.expired, e.emitted INTO expired, emitted
	FROM ledger_expire_holds(ARRAY(SELECT id FROM transfer
		WHERE status = 'held' AND expires_at <= clock_timestamp()
		ORDER BY expires_at LIMIT p_limit), 10000) e;
END
$$;

REVOKE EXECUTE ON FUNCTION ledger_expire_holds(uuid[], integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger_expire_holds(uuid[], integer) TO wallet;
