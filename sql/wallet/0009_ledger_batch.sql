-- Many transfers in one statement, with the same effect as if they were made
-- one after the other.
-- kedge: formerly 07beff36d774217fade46cbb46dfb2f0596ff980cd360c5b5a071e69dc18cd7b

CREATE TYPE ledger_item AS (
	n integer, -- number of the item, from 1
	id uuid,
	user_id text,
	is_operator boolean,
	debit uuid,
	credit uuid,
	amount bigint,
	memo text,
	metadata json,
	hold_s integer,
	key text,
	sha256 bytea,
	origin text
);

-- Reads items from JSON: [{"d": debit account, "c": credit account, "a":
-- amount, "m": memo, "x": metadata, "h": seconds of a hold, "k": key, "s": the
-- request's digest in hexadecimal, "u": user, "o": whether the user is an
-- operator, "r": origin}].
--
-- The items get ids with the layout of uuidv7(), each one tick later than the
-- id before.
CREATE FUNCTION ledger_items(p_items json, p_user text, p_operator boolean,
	p_origin text DEFAULT NULL) RETURNS ledger_item[]
LANGUAGE plpgsql AS $$
DECLARE
	v_ticks bigint := extract(epoch FROM clock_timestamp()) * 4096000;
BEGIN
	RETURN (SELECT array_agg((n, (overlay(lpad(to_hex(v_ticks + n), 15, '0')
			PLACING '7' FROM 13 FOR 0)
			|| right(gen_random_uuid()::text, 17))::uuid,
		coalesce(u, p_user), coalesce(o, p_operator, false), d, c, a, m,
		x, h, k, decode(s, 'hex'), coalesce(r, p_origin))::ledger_item)
	FROM ROWS FROM (json_to_recordset(p_items) AS (d uuid, c uuid, a bigint,
		m text, x json, h integer, k text, s text, u text, o boolean,
		r text)) WITH ORDINALITY AS i (d, c, a, m, x, h, k, s, u, o, r, n));
END
$$;

-- Locks the accounts of all items, in the order of their ids.
CREATE FUNCTION ledger_lock(p_items ledger_item[]) RETURNS void
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
BEGIN
	PERFORM FROM account WHERE id = ANY(ARRAY(
		SELECT debit FROM unnest(p_items)
		UNION ALL SELECT credit FROM unnest(p_items)))
	ORDER BY id FOR NO KEY UPDATE;
END
$$;

-- Makes the items one by one. This function finds out which items are refused,
-- or were made by an earlier request. If one item of an atomic batch is
-- refused, nothing is done, and only that refusal is returned.
CREATE FUNCTION ledger_make_each(p_items ledger_item[], p_atomic boolean)
RETURNS ledger_made[]
LANGUAGE plpgsql AS $$
DECLARE
	i ledger_item;
	v ledger_made;
	v_made ledger_made[] := '{}';
BEGIN
	PERFORM ledger_lock(p_items);
	FOREACH i IN ARRAY p_items LOOP
		v := ledger_transfer(i.user_id, i.is_operator, i.key, i.sha256,
			i.debit, i.credit, i.amount, i.memo, i.metadata,
			i.hold_s, i.key IS NULL, i.origin);
		v.item := i.n;
		IF p_atomic AND v.code IS NOT NULL THEN
			-- undoes what the function has done
			RAISE EXCEPTION SQLSTATE 'KB001';
		END IF;
		v_made := v_made || v;
	END LOOP;
	RETURN v_made;
EXCEPTION WHEN SQLSTATE 'KB001' THEN
	RETURN ARRAY[v];
END
$$;

-- Makes all items by one INSERT, if nothing prevents it. Before the INSERT only
-- facts are checked that never change. The INSERT's trigger locks the accounts,
-- and finds out whether each transfer has funds after the transfers before it,
-- and whether an account is frozen. If the INSERT fails, it is undone and the
-- items are made one by one. So two batches run in parallel until they move
-- money of common accounts. The accounts are locked before the INSERT only if
-- keys are written, because keys are locked after accounts, or if the batch has
-- holds, because their time begins then.
--
-- An array's items are read in the order of the array. The settings let
-- PostgreSQL make one plan for each statement, which looks up few rows by their
-- keys.
CREATE FUNCTION ledger_make(p_items ledger_item[], p_atomic boolean)
RETURNS ledger_made[]
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
DECLARE
	-- for each item, why it cannot succeed whatever the items before it do;
	-- or NULL
	v_codes text[];
	v_currencies text[];
	v_bad integer; -- number of items that cannot succeed
	v_bad_keys integer; -- number of items that cannot succeed and have a key
	v_keys integer;
	v_holds integer;
	v_new integer;
	v_now timestamptz;
	v_made ledger_made[];
	v_row record;
BEGIN
	SELECT array_agg(code), array_agg(currency), count(code),
		count(key) FILTER (WHERE code IS NOT NULL), count(key),
		count(hold_s)
	INTO v_codes, v_currencies, v_bad, v_bad_keys, v_keys, v_holds
	FROM (
		SELECT i.key, i.hold_s, d.currency, CASE
			WHEN i.debit = i.credit THEN 'SAME_ACCOUNT'
			WHEN d.id IS NULL OR c.id IS NULL OR NOT i.is_operator
				AND (d.user_id IS DISTINCT FROM i.user_id
				OR c.kind <> 'user') THEN 'ACCOUNT_NOT_FOUND'
			WHEN d.currency <> c.currency THEN 'CURRENCY_MISMATCH'
			END AS code
		FROM unnest(p_items) i
			LEFT JOIN account d ON d.id = i.debit
			LEFT JOIN account c ON c.id = i.credit
		ORDER BY i.n
	) item;
	IF v_bad_keys > 0 OR v_bad > 0 AND p_atomic THEN
		RETURN ledger_make_each(p_items, p_atomic);
	END IF;

	BEGIN
		IF v_keys > 0 OR v_holds > 0 THEN
			PERFORM ledger_lock(p_items);
		END IF;
		v_now := clock_timestamp();
		-- Keys are inserted in a fixed order, so that two batches
		-- cannot deadlock.
		INSERT INTO idempotency (user_id, key, request_sha256,
			transfer_id)
		SELECT user_id, key, sha256, id FROM unnest(p_items)
		WHERE key IS NOT NULL
		ORDER BY user_id COLLATE "C", key COLLATE "C"
		ON CONFLICT DO NOTHING;
		GET DIAGNOSTICS v_new = ROW_COUNT;
		IF v_new < v_keys THEN
			-- an earlier request has made some of the items
			RAISE EXCEPTION SQLSTATE 'KB002';
		END IF;
		INSERT INTO transfer (id, status, user_id, debit_account_id,
			credit_account_id, currency, amount, memo, metadata,
			created_at, expires_at)
		SELECT id, CASE WHEN hold_s IS NULL THEN 'posted' ELSE 'held' END,
			user_id, debit, credit, v_currencies[n], amount, memo,
			metadata, v_now, v_now + make_interval(secs => hold_s)
		FROM unnest(p_items) WHERE v_bad = 0 OR v_codes[n] IS NULL;
	EXCEPTION WHEN check_violation OR numeric_value_out_of_range
		OR SQLSTATE 'KB002' THEN
		RETURN ledger_make_each(p_items, p_atomic);
	END;
	SELECT array_agg((n, code, false, 0, CASE WHEN code IS NULL THEN id END,
		v_currencies[n], v_now, v_now + make_interval(secs => hold_s),
		NULL)::ledger_made)
	INTO v_made
	FROM unnest(p_items), LATERAL (SELECT CASE WHEN v_bad > 0
		THEN v_codes[n] END AS code) c;

	IF EXISTS (SELECT FROM webhook_endpoint) THEN
		FOR v_row IN SELECT m.item, t FROM unnest(v_made) m
			JOIN transfer t USING (id) ORDER BY m.item
		LOOP
			v_made[v_row.item].emitted := transfer_emit(
				'transfer.' || (v_row.t).status, v_row.t,
				p_items[v_row.item].origin);
		END LOOP;
	END IF;
	RETURN v_made;
END
$$;

-- Makes the transfers of several users, each independently and with a key; no
-- key occurs twice. Returns no row if a lock was not available in time; the
-- caller then makes each transfer by a statement of its own, which may wait
-- longer for the lock.
CREATE FUNCTION ledger_transfers(p_items json) RETURNS SETOF ledger_made
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
SET lock_timeout = '200ms' AS $$
DECLARE
	v_items ledger_item[] := ledger_items(p_items, NULL, false);
BEGIN
	RETURN QUERY SELECT * FROM unnest(ledger_make(v_items, false));
EXCEPTION WHEN lock_not_available THEN
	RETURN;
END
$$;

-- Makes a batch of one user: all items or none (atomic), or each independently.
-- The keys of items are in the same key space as the keys of single transfers.
-- The first row is about the whole batch: `code` is set when nothing was done
-- (for an atomic batch the row then names the refused item), and `replayed`
-- when an earlier request made the batch. The rows of the items follow.
CREATE FUNCTION ledger_batch(p_user text, p_operator boolean, p_key text,
	p_sha256 bytea, p_atomic boolean, p_items json,
	p_origin text DEFAULT NULL) RETURNS SETOF ledger_made
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
	v_items ledger_item[] := ledger_items(p_items, p_user, p_operator,
		p_origin);
	v_first idempotency;
	v_made ledger_made[];
	v ledger_made;
BEGIN
	v.item := 0;
	INSERT INTO idempotency (user_id, key, request_sha256)
	VALUES (p_user, p_key, p_sha256) ON CONFLICT DO NOTHING;
	v.replayed := NOT FOUND;
	IF v.replayed THEN
		SELECT * INTO v_first FROM idempotency
		WHERE user_id = p_user AND key = p_key;
		IF NOT FOUND THEN
			RAISE EXCEPTION 'the key has just been forgotten'
				USING ERRCODE = 'serialization_failure';
		END IF;
		IF v_first.request_sha256 <> p_sha256 THEN
			v.code := 'IDEMPOTENCY_KEY_REUSED';
		END IF;
		RETURN NEXT v;
		RETURN QUERY SELECT i.n::integer, i.code, true, 0, t.id, t.currency,
			t.created_at, t.expires_at, t.metadata
		FROM unnest(v_first.transfer_ids, v_first.codes)
			WITH ORDINALITY AS i (id, code, n)
			LEFT JOIN transfer t ON t.id = i.id
		WHERE v.code IS NULL ORDER BY i.n;
		RETURN;
	END IF;

	v_made := ledger_make(v_items, p_atomic);
	IF p_atomic AND v_made[1].code IS NOT NULL THEN
		DELETE FROM idempotency WHERE user_id = p_user AND key = p_key;
		RETURN NEXT v_made[1];
		RETURN;
	END IF;
	UPDATE idempotency SET (transfer_ids, codes) = (
		SELECT array_agg(id ORDER BY item), array_agg(code ORDER BY item)
		FROM unnest(v_made))
	WHERE user_id = p_user AND key = p_key;
	RETURN NEXT v;
	RETURN QUERY SELECT * FROM unnest(v_made);
END
$$;
