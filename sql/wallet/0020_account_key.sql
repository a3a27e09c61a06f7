-- Opening an account only once, however often a client repeats the request.
--
-- The key is in the same key space as those of transfers: each key belongs to
-- one request of a user, of any kind.
-- kedge: formerly c49ebd47eaf0a540bbadbc4f1b36f60ce9ebc5d8abfb793ad472105a4f67768c

-- the account that the request with this key has opened
ALTER TABLE idempotency ADD account_id uuid;

-- Like ledger_open_account(), for a request with a key. If an earlier request
-- with the key has opened an account, none is opened, and that account is
-- returned. If a concurrent request has the key, this statement fails, and sees
-- the key when it is retried.
CREATE FUNCTION ledger_open_account_once(p_user text, p_key text,
	p_sha256 bytea, p_name text, p_currency text, p_origin text,
	OUT code text, OUT replayed boolean, OUT emitted integer,
	OUT account_id uuid, OUT created_at timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
	v_first idempotency;
BEGIN
	replayed := false;
	emitted := 0;
	SELECT i.* INTO v_first FROM idempotency i
	WHERE i.user_id = p_user AND i.key = p_key;
	IF v_first.key IS NOT NULL AND v_first.request_sha256 <> p_sha256 THEN
		code := 'IDEMPOTENCY_KEY_REUSED';
		RETURN;
	END IF;
	IF v_first.key IS NOT NULL THEN
		replayed := true;
		account_id := v_first.account_id;
	ELSE
		SELECT o.code, o.emitted, o.account_id
		INTO code, emitted, account_id
		FROM ledger_open_account(p_user, p_name, p_currency, p_origin) o;
		IF code IS NOT NULL THEN
			RETURN; -- the key was not stored, so it can be used again
		END IF;
		INSERT INTO idempotency (user_id, key, request_sha256, account_id)
		VALUES (p_user, p_key, p_sha256,
			ledger_open_account_once.account_id)
		ON CONFLICT DO NOTHING;
		IF NOT FOUND THEN
			RAISE EXCEPTION 'another request had the key'
				USING ERRCODE = 'serialization_failure';
		END IF;
	END IF;
	SELECT a.created_at INTO created_at FROM account a
	WHERE a.id = ledger_open_account_once.account_id;
END
$$;
REVOKE EXECUTE ON FUNCTION ledger_open_account_once(text, text, bytea, text,
	text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger_open_account_once(text, text, bytea, text,
	text, text) TO wallet;
