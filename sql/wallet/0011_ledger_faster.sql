-- Makes transfers and batches with less of the database server's time, which is
-- nearly all the time that a large batch takes. The functions have the same
-- effect as before (0007, 0009). ledger_batch() gets a second signature; the
-- previous release calls the first one.
-- kedge: formerly bc1d1f03cee81e44373f5524ea12626159187d5ac89fed38d93e67e8719b8a83

-- Inserts the entries of a transfer. The two entries come from two scans,
-- because a VALUES list would prepare its expressions again for each row. The
-- id of an entry is that of its transfer with d or c as the last digit. It is
-- computed by bytes, because functions on text process letter by letter.
CREATE OR REPLACE FUNCTION transfer_apply() RETURNS trigger
LANGUAGE plpgsql SET enable_hashjoin = off SET enable_mergejoin = off
SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
	v_reverses boolean;
	v_sound boolean;
	v_found boolean;
	v_thawed boolean;
	v_covered boolean;
	v_made transfer;
BEGIN
	SELECT count(reverses) > 0, bool_and(
		amount BETWEEN 1 AND 9007199254740991
		AND debit_account_id <> credit_account_id
		AND status IN ('posted', 'held')
		AND (status = 'held') = (expires_at IS NOT NULL)
		AND kind IN ('transfer', 'deposit', 'withdrawal', 'reversal')
		AND (kind = 'reversal') = (reverses IS NOT NULL)
		AND captured_amount IS NULL AND reversed_amount = 0)
	INTO v_reverses, v_sound FROM made;
	IF NOT v_sound THEN
		RAISE EXCEPTION 'no transfer begins like this'
			USING ERRCODE = 'check_violation';
	END IF;

	WITH step AS MATERIALIZED ( -- each account's changes, summed up step by step
		SELECT id, account_id, currency, move,
			dense_rank() OVER (ORDER BY account_id, currency) AS place,
			sum_units(move) OVER so_far AS balance,
			sum_units(hold) OVER so_far AS held,
			count(nullif(move, 0)) OVER so_far AS seq,
			lead(n) OVER so_far IS NULL AS is_last
		FROM (SELECT row_number() OVER () AS n, id,
				debit_account_id AS account_id, currency,
				CASE status WHEN 'posted' THEN -amount ELSE 0 END
					AS move,
				CASE status WHEN 'held' THEN amount ELSE 0 END
					AS hold
			FROM made
			UNION ALL
			SELECT row_number() OVER (), id, credit_account_id,
				currency,
				CASE status WHEN 'posted' THEN amount ELSE 0 END, 0
			FROM made) AS line
		WINDOW so_far AS (PARTITION BY account_id, currency ORDER BY n
			ROWS UNBOUNDED PRECEDING)
	), moved AS (
		UPDATE account a SET balance = a.balance + s.balance,
			held = a.held + s.held, version = a.version + s.seq
		FROM step s
		WHERE s.is_last AND a.id = s.account_id
			AND a.currency = s.currency
		RETURNING s.place, a.frozen, a.balance - s.balance AS balance,
			a.balance - s.balance - (a.held - s.held) - a.least
				AS free,
			a.version - s.seq AS seq
	-- the state of the accounts before, and the time of all entries
	), was AS MATERIALIZED (
		SELECT array_agg(balance) AS balance, array_agg(free) AS free,
			array_agg(seq) AS seq, bool_or(frozen) AS frozen,
			count(*) = (SELECT max(place) FROM step) AS complete,
			clock_timestamp() AS now
		FROM (SELECT * FROM moved ORDER BY place) m
	), made_entry AS (
		INSERT INTO entry (id, transfer_id, account_id, seq, currency,
			amount, balance_after, created_at)
		SELECT encode(set_byte(uuid_send(id), 15,
				get_byte(uuid_send(id), 15) & 240
				| CASE WHEN move < 0 THEN 13 ELSE 12 END), 'hex')::uuid,
			id, account_id, was.seq[place] + step.seq, currency,
			move, was.balance[place] + step.balance, now
		FROM was, step WHERE complete AND move <> 0
	)
	SELECT bool_and(complete), NOT bool_or(frozen),
		min(was.free[place] + step.balance - step.held) >= 0
	INTO v_found, v_thawed, v_covered FROM was, step;
	IF NOT v_found THEN
		RAISE EXCEPTION 'a transfer is not between two accounts in its'
			' currency' USING ERRCODE = 'foreign_key_violation';
	END IF;
	IF NOT v_thawed THEN
		RAISE EXCEPTION 'a transfer is not from or to a frozen account'
			USING ERRCODE = 'check_violation';
	END IF;
	IF NOT v_covered THEN
		RAISE EXCEPTION 'a transfer takes what is not there'
			USING ERRCODE = 'check_violation';
	END IF;

	IF v_reverses THEN
		FOR v_made IN SELECT * FROM made WHERE reverses IS NOT NULL LOOP
			PERFORM transfer_reverse(v_made.reverses, v_made);
		END LOOP;
	END IF;
	RETURN NULL;
END
$$;

-- Many transfers in one statement

-- Makes an id with the layout of uuidv7(). The ids of a batch are one tick
-- apart. The random bits, at the end of an id, are drawn once for the whole
-- batch: its ids differ from each other by their ticks, and from all other ids
-- by 62 random bits. An id need not be secret, because other users cannot see
-- the transfer.
CREATE FUNCTION ledger_id(p_ticks bigint, p_tail bytea) RETURNS uuid
LANGUAGE sql IMMUTABLE AS $$
	SELECT encode(int8send((p_ticks >> 12 << 16) | 28672 | (p_ticks & 4095))
		|| p_tail, 'hex')::uuid
$$;

CREATE OR REPLACE FUNCTION ledger_items(p_items json, p_user text,
	p_operator boolean, p_origin text DEFAULT NULL) RETURNS ledger_item[]
LANGUAGE plpgsql AS $$
DECLARE
	v_ticks bigint := extract(epoch FROM clock_timestamp()) * 4096000;
	v_tail bytea := substr(uuid_send(gen_random_uuid()), 9);
BEGIN
	RETURN (SELECT array_agg((n, ledger_id(v_ticks + n, v_tail),
		coalesce(u, p_user), coalesce(o, p_operator, false), d, c, a, m,
		x, h, k, decode(s, 'hex'), coalesce(r, p_origin))::ledger_item)
	FROM ROWS FROM (json_to_recordset(p_items) AS (d uuid, c uuid, a bigint,
		m text, x json, h integer, k text, s text, u text, o boolean,
		r text)) WITH ORDINALITY AS i (d, c, a, m, x, h, k, s, u, o, r, n));
END
$$;

-- The items of one user. They are passed as arrays: JSON would be parsed twice,
-- once to validate it. An array that is NULL stands for an array of NULLs.
CREATE FUNCTION ledger_items(p_user text, p_operator boolean, p_origin text,
	p_debits uuid[], p_credits uuid[], p_amounts bigint[], p_memos text[],
	p_metadata json[], p_holds_s integer[], p_keys text[], p_sha256s bytea[])
RETURNS ledger_item[]
LANGUAGE plpgsql AS $$
DECLARE
	v_ticks bigint := extract(epoch FROM clock_timestamp()) * 4096000;
	v_tail bytea := substr(uuid_send(gen_random_uuid()), 9);
BEGIN
	RETURN (SELECT array_agg((n, ledger_id(v_ticks + n, v_tail), p_user,
		coalesce(p_operator, false), d, c, a, m, x, h, k, s,
		p_origin)::ledger_item)
	FROM unnest(p_debits, p_credits, p_amounts, p_memos, p_metadata,
		p_holds_s, p_keys, p_sha256s)
		WITH ORDINALITY AS i (d, c, a, m, x, h, k, s, n));
END
$$;

-- Returns, for each item, why it cannot succeed whatever the items before it
-- do; NULL if it can.
CREATE FUNCTION ledger_codes(p_items ledger_item[]) RETURNS text[]
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
BEGIN
	RETURN (SELECT array_agg(CASE
			WHEN i.debit = i.credit THEN 'SAME_ACCOUNT'
			WHEN d.id IS NULL OR c.id IS NULL OR NOT i.is_operator
				AND (d.user_id IS DISTINCT FROM i.user_id
				OR c.kind <> 'user') THEN 'ACCOUNT_NOT_FOUND'
			WHEN d.currency <> c.currency THEN 'CURRENCY_MISMATCH'
			END ORDER BY i.n)
		FROM unnest(p_items) i
			LEFT JOIN account d ON d.id = i.debit
			LEFT JOIN account c ON c.id = i.credit);
END
$$;

-- Makes all items by one INSERT, if nothing prevents it. Before the INSERT only
-- facts are checked that never change: an account's owner, kind and currency.
-- The INSERT's trigger locks the accounts, and finds out whether each transfer
-- has funds after the transfers before it, whether both accounts exist with the
-- same currency, and whether one of them is frozen. So two batches run in
-- parallel until they move money of common accounts. The accounts are locked
-- before the INSERT only if keys are written, because keys are locked after
-- accounts, or if the batch has holds, because their time begins then.
--
-- If the INSERT fails, it is undone, and tried once more without the items that
-- cannot succeed; if it fails again, the items are made one by one. To find the
-- items that cannot succeed, both accounts of each item must be read, so this
-- is done only after a failure.
--
-- An array's items are read in the order of the array. The settings let
-- PostgreSQL make one plan for each statement, which looks up rows by their
-- keys, even if there were only a few rows when the plan was made.
CREATE OR REPLACE FUNCTION ledger_make(p_items ledger_item[], p_atomic boolean)
RETURNS ledger_made[]
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off AS $$
DECLARE
	v_currencies text[];
	v_payable integer; -- number of items from accounts that the user may debit
	v_keys integer;
	v_holds integer;
	v_codes text[]; -- why each item cannot succeed; NULL: that is not known yet
	v_new integer;
	v_now timestamptz;
	v_made ledger_made[];
	v_row record;
BEGIN
	WITH debit AS MATERIALIZED (
		SELECT id, user_id, currency FROM account
		WHERE id = ANY(ARRAY(SELECT debit FROM unnest(p_items)))
	)
	SELECT array_agg(d.currency ORDER BY i.n), count(*) FILTER (
			WHERE d.user_id = i.user_id OR i.is_operator AND d.id IS NOT NULL),
		count(i.key), count(i.hold_s)
	INTO v_currencies, v_payable, v_keys, v_holds
	FROM unnest(p_items) i LEFT JOIN debit d ON d.id = i.debit;

	-- Items with keys may come from several users, in one batch commit. An
	-- item that can never succeed must not cause the others to be written
	-- and undone.
	IF v_keys > 0 AND EXISTS (SELECT FROM unnest(ledger_codes(p_items)) c
		WHERE c IS NOT NULL) THEN
		RETURN ledger_make_each(p_items, p_atomic);
	END IF;

	LOOP
		BEGIN
			IF v_codes IS NULL AND v_payable < cardinality(p_items) THEN
				RAISE EXCEPTION SQLSTATE 'KB002';
			END IF;
			IF v_keys > 0 OR v_holds > 0 THEN
				PERFORM ledger_lock(p_items);
			END IF;
			v_now := clock_timestamp();
			IF v_keys > 0 THEN
				-- Keys are inserted in a fixed order, so that
				-- two batches cannot deadlock.
				INSERT INTO idempotency (user_id, key,
					request_sha256, transfer_id)
				SELECT user_id, key, sha256, id
				FROM unnest(p_items) WHERE key IS NOT NULL
				ORDER BY user_id COLLATE "C", key COLLATE "C"
				ON CONFLICT DO NOTHING;
				GET DIAGNOSTICS v_new = ROW_COUNT;
				-- an earlier request has made some of the items
				IF v_new < v_keys THEN
					RAISE EXCEPTION SQLSTATE 'KB002';
				END IF;
			END IF;
			INSERT INTO transfer (id, status, user_id,
				debit_account_id, credit_account_id, currency,
				amount, memo, metadata, created_at, expires_at)
			SELECT id, CASE WHEN hold_s IS NULL THEN 'posted'
				ELSE 'held' END, user_id, debit, credit,
				v_currencies[n], amount, memo, metadata, v_now,
				v_now + make_interval(secs => hold_s)
			FROM unnest(p_items) WHERE v_codes[n] IS NULL;
			-- Only an operator may pay a system account. The paid
			-- accounts are not read before this point, because one
			-- of them may have been created since this function
			-- began. (IS TRUE
			-- lets PostgreSQL read the few system accounts once,
			-- not once for each item.)
			IF EXISTS (SELECT FROM unnest(p_items)
				WHERE NOT is_operator AND v_codes[n] IS NULL
					AND (credit IN (SELECT id FROM account
						WHERE kind = 'system')) IS TRUE) THEN
				RAISE EXCEPTION SQLSTATE 'KB002';
			END IF;
			EXIT;
		EXCEPTION WHEN check_violation OR foreign_key_violation
			OR not_null_violation OR numeric_value_out_of_range
			OR SQLSTATE 'KB002' THEN
			NULL;
		END;
		IF v_codes IS NOT NULL OR p_atomic THEN
			RETURN ledger_make_each(p_items, p_atomic);
		END IF;
		v_codes := ledger_codes(p_items);
		IF NOT EXISTS (SELECT FROM unnest(v_codes) c WHERE c IS NOT NULL) THEN
			RETURN ledger_make_each(p_items, p_atomic);
		END IF;
	END LOOP;

	SELECT array_agg((n, v_codes[n], false, 0,
		CASE WHEN v_codes[n] IS NULL THEN id END, v_currencies[n], v_now,
		v_now + make_interval(secs => hold_s), NULL)::ledger_made)
	INTO v_made FROM unnest(p_items);
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

-- Makes a batch of one user, as in 0009, but the items are passed as arrays,
-- one array for each of their columns.
CREATE FUNCTION ledger_batch(p_user text, p_operator boolean, p_key text,
	p_sha256 bytea, p_atomic boolean, p_origin text, p_debits uuid[],
	p_credits uuid[], p_amounts bigint[], p_memos text[], p_metadata json[],
	p_holds_s integer[], p_keys text[], p_sha256s bytea[])
RETURNS SETOF ledger_made
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
	v_items ledger_item[] := ledger_items(p_user, p_operator, p_origin,
		p_debits, p_credits, p_amounts, p_memos, p_metadata, p_holds_s,
		p_keys, p_sha256s);
	-- The ids of the transfers if all items are made in one step. They are
	-- stored with the key in advance, so that the key's row is written only
	-- once.
	v_ids uuid[] := ARRAY(SELECT id FROM unnest(v_items));
	v_first idempotency;
	v_made ledger_made[];
	v ledger_made;
BEGIN
	v.item := 0;
	INSERT INTO idempotency (user_id, key, request_sha256, transfer_ids)
	VALUES (p_user, p_key, p_sha256, v_ids) ON CONFLICT DO NOTHING;
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
	IF v_ids <> ARRAY(SELECT id FROM unnest(v_made)) THEN
		UPDATE idempotency SET (transfer_ids, codes) = (
			SELECT array_agg(id), array_agg(code) FROM unnest(v_made))
		WHERE user_id = p_user AND key = p_key;
	END IF;
	RETURN NEXT v;
	RETURN QUERY SELECT * FROM unnest(v_made);
END
$$;

-- The signature that the previous release calls.
CREATE OR REPLACE FUNCTION ledger_batch(p_user text, p_operator boolean,
	p_key text, p_sha256 bytea, p_atomic boolean, p_items json,
	p_origin text DEFAULT NULL) RETURNS SETOF ledger_made
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
	RETURN QUERY SELECT made.* FROM (
		SELECT array_agg(d) AS d, array_agg(c) AS c, array_agg(a) AS a,
			array_agg(m) AS m, array_agg(x) AS x, array_agg(h) AS h,
			array_agg(k) AS k, array_agg(decode(s, 'hex')) AS s
		FROM json_to_recordset(p_items) AS (d uuid, c uuid, a bigint,
			m text, x json, h integer, k text, s text)
	) i, LATERAL ledger_batch(p_user, p_operator, p_key, p_sha256, p_atomic,
		p_origin, d, c, a, m, x, h, k, s) made;
END
$$;

REVOKE EXECUTE ON FUNCTION ledger_id(bigint, bytea),
	ledger_items(text, boolean, text, uuid[], uuid[], bigint[], text[],
		json[], integer[], text[], bytea[]),
	ledger_codes(ledger_item[]),
	ledger_batch(text, boolean, text, bytea, boolean, text, uuid[], uuid[],
		bigint[], text[], json[], integer[], text[], bytea[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger_batch(text, boolean, text, bytea, boolean, text,
	uuid[], uuid[], bigint[], text[], json[], integer[], text[], bytea[])
	TO wallet;
