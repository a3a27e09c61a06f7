-- Many transfers in one statement, as if made one after the other: the accounts
-- are locked once, balances are followed in arrays, and what may be done is
-- inserted by one INSERT, whose trigger moves it.

-- The results of a batch in order, as they were first.
CREATE FUNCTION ledger_batch_answer(p_ids uuid[], p_codes text[])
RETURNS SETOF ledger_answer
LANGUAGE sql STABLE AS $$
	SELECT i.code, false, 0, CASE WHEN i.id IS NOT NULL THEN (t.id, CASE
			WHEN t.expires_at IS NULL THEN 'posted' ELSE 'held' END,
		t.debit_account_id, t.credit_account_id, t.currency, t.amount,
		t.memo, t.created_at, t.kind, t.user_id, t.metadata,
		t.expires_at, NULL, 0, t.reverses, t.provider,
		t.reference)::transfer END
	FROM unnest(p_ids, p_codes) WITH ORDINALITY AS i (id, code, n)
		LEFT JOIN transfer t ON t.id = i.id
	ORDER BY i.n
$$;

-- p_items: [{"d": debit account, "c": credit account, "a": amount, "m": memo,
-- "x": metadata, "h": seconds of a hold, "k": key, "s": the request's digest in
-- hexadecimal}], no key twice.  A key of an item is one for this batch and for
-- single transfers alike.  The first row answers for the whole: `code` when
-- nothing was done (of an atomic batch the first refusal, and `item` counts
-- from 0), `replayed` and `emitted`; the items' own rows follow.
CREATE FUNCTION ledger_batch(p_user text, p_operator boolean, p_key text,
	p_sha256 bytea, p_atomic boolean, p_items json,
	OUT answer ledger_answer, OUT item integer)
RETURNS SETOF record
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
	-- By item, as it was sent.
	v_debit uuid[];
	v_credit uuid[];
	v_amount bigint[];
	v_memo text[];
	v_metadata json[];
	v_hold integer[];
	v_key text[];
	v_sha256 bytea[];
	-- By item, as it ends.
	v_ids uuid[];
	v_codes text[];
	v_do boolean[]; -- it is made here, not answered again
	-- By account, in the order of ids.
	v_account uuid[];
	v_currency text[];
	v_mine boolean[]; -- may be debited by this user
	v_payable boolean[]; -- may be credited by this user
	v_frozen boolean[];
	v_balance bigint[];
	v_available bigint[]; -- NULL: without limit
	v_first idempotency;
	v_new text[]; -- keys that were not there before
	v_code text;
	i integer;
	r record;
	t transfer;
BEGIN
	SELECT array_agg(d), array_agg(c), array_agg(a), array_agg(m),
		array_agg(x), array_agg(h), array_agg(k),
		array_agg(decode(s, 'hex'))
	INTO v_debit, v_credit, v_amount, v_memo, v_metadata, v_hold, v_key,
		v_sha256
	FROM json_to_recordset(p_items) AS i (d uuid, c uuid, a bigint, m text,
		x json, h integer, k text, s text);
	SELECT array_agg(id), array_agg(currency),
		array_agg(p_operator OR coalesce(user_id = p_user, false)),
		array_agg(p_operator OR kind = 'user'), array_agg(frozen),
		array_agg(balance::bigint),
		array_agg(CASE kind WHEN 'user' THEN balance - held END)
	INTO v_account, v_currency, v_mine, v_payable, v_frozen, v_balance,
		v_available
	FROM (SELECT * FROM account WHERE id = ANY(v_debit || v_credit)
		ORDER BY id FOR NO KEY UPDATE) locked;

	-- All keys in one order, so that two batches cannot deadlock.
	WITH fresh AS (
		INSERT INTO idempotency (user_id, key, request_sha256,
			transfer_id)
		SELECT p_user, k, s, id
		FROM (SELECT k, s, uuidv7() FROM unnest(v_key, v_sha256) AS u (k, s)
			WHERE k IS NOT NULL
			UNION ALL SELECT p_key, p_sha256, NULL) AS u (k, s, id)
		ORDER BY k COLLATE "C"
		ON CONFLICT DO NOTHING RETURNING key
	)
	SELECT coalesce(array_agg(key::text), '{}') INTO v_new FROM fresh;
	IF NOT p_key = ANY(v_new) THEN
		DELETE FROM idempotency WHERE user_id = p_user AND key = ANY(v_new);
		SELECT * INTO v_first FROM idempotency
		WHERE user_id = p_user AND key = p_key;
		IF v_first.request_sha256 <> p_sha256 THEN
			answer.code := 'IDEMPOTENCY_KEY_REUSED';
			RETURN NEXT;
			RETURN;
		END IF;
		answer.replayed := true;
		answer.emitted := 0;
		RETURN NEXT;
		RETURN QUERY SELECT a, NULL::integer FROM ledger_batch_answer(
			v_first.transfer_ids, v_first.codes) a;
		RETURN;
	END IF;

	v_ids := array_fill(NULL::uuid, ARRAY[cardinality(v_debit)]);
	v_codes := array_fill(NULL::text, ARRAY[cardinality(v_debit)]);
	v_do := array_fill(false, ARRAY[cardinality(v_debit)]);
	FOR r IN
		SELECT u.*, d.n AS di, c.n AS ci, f.transfer_id,
			f.request_sha256 AS first_sha256,
			f.key IS NOT NULL AND new.key IS NULL AS seen
		FROM unnest(v_debit, v_credit, v_amount, v_hold, v_key,
				v_sha256) WITH ORDINALITY
				AS u (d, c, amount, hold, k, s, n)
			LEFT JOIN unnest(v_account) WITH ORDINALITY
				AS d (id, n) ON d.id = u.d
			LEFT JOIN unnest(v_account) WITH ORDINALITY
				AS c (id, n) ON c.id = u.c
			LEFT JOIN idempotency f
				ON f.user_id = p_user AND f.key = u.k
			LEFT JOIN unnest(v_new) AS new (key) ON new.key = u.k
		ORDER BY u.n
	LOOP
		i := r.n;
		IF r.seen AND r.first_sha256 = r.s THEN
			v_ids[i] := r.transfer_id;
			CONTINUE;
		END IF;
		v_code := CASE
			WHEN r.seen THEN 'IDEMPOTENCY_KEY_REUSED'
			WHEN r.d = r.c THEN 'SAME_ACCOUNT'
			WHEN r.di IS NULL OR r.ci IS NULL OR NOT v_mine[r.di]
				OR NOT v_payable[r.ci] THEN 'ACCOUNT_NOT_FOUND'
			WHEN v_currency[r.di] <> v_currency[r.ci]
				THEN 'CURRENCY_MISMATCH'
			WHEN v_frozen[r.di] OR v_frozen[r.ci]
				THEN 'ACCOUNT_FROZEN'
			WHEN r.amount NOT BETWEEN 1 AND 9007199254740991
				OR v_balance[r.ci] + r.amount > 9007199254740991
				OR v_balance[r.di] - r.amount
					< -9007199254740991
				THEN 'AMOUNT_OUT_OF_RANGE'
			WHEN v_available[r.di] < r.amount
				THEN 'INSUFFICIENT_FUNDS' END;
		IF v_code IS NOT NULL AND p_atomic THEN
			DELETE FROM idempotency
			WHERE user_id = p_user AND key = ANY(v_new);
			answer.code := v_code;
			item := i - 1;
			RETURN NEXT;
			RETURN;
		END IF;
		IF v_code IS NOT NULL THEN
			v_codes[i] := v_code;
			CONTINUE;
		END IF;
		v_do[i] := true;
		v_ids[i] := coalesce(r.transfer_id, uuidv7());
		v_available[r.di] := v_available[r.di] - r.amount;
		IF r.hold IS NULL THEN
			v_balance[r.di] := v_balance[r.di] - r.amount;
			v_balance[r.ci] := v_balance[r.ci] + r.amount;
			v_available[r.ci] := v_available[r.ci] + r.amount;
		END IF;
	END LOOP;

	INSERT INTO transfer (id, status, user_id, debit_account_id,
		credit_account_id, currency, amount, memo, metadata, created_at,
		expires_at)
	SELECT u.id, CASE WHEN hold IS NULL THEN 'posted' ELSE 'held' END,
		p_user, d, c, a.currency, amount, memo, metadata, now.now,
		now.now + make_interval(secs => hold)
	FROM unnest(v_do, v_ids, v_debit, v_credit, v_amount, v_hold, v_memo,
			v_metadata) WITH ORDINALITY
			AS u (make, id, d, c, amount, hold, memo, metadata, n)
		JOIN unnest(v_account, v_currency) AS a (id, currency)
			ON a.id = u.d,
		clock_timestamp() AS now (now)
	WHERE make ORDER BY n;
	DELETE FROM idempotency WHERE user_id = p_user AND key IN (
		SELECT k FROM unnest(v_key, v_codes) AS u (k, code)
		WHERE code IS NOT NULL AND code <> 'IDEMPOTENCY_KEY_REUSED');
	UPDATE idempotency SET transfer_ids = v_ids, codes = v_codes
	WHERE user_id = p_user AND key = p_key;

	answer.replayed := false;
	answer.emitted := 0;
	IF EXISTS (SELECT FROM webhook_endpoint) THEN
		FOR t IN
			SELECT transfer.* FROM unnest(v_do, v_ids)
				WITH ORDINALITY AS u (make, id, n)
				JOIN transfer USING (id)
			WHERE make ORDER BY n
		LOOP
			answer.emitted := answer.emitted + transfer_emit(
				'transfer.' || t.status, t);
		END LOOP;
	END IF;
	RETURN NEXT;
	RETURN QUERY SELECT a, NULL::integer
	FROM ledger_batch_answer(v_ids, v_codes) a;
END
$$;
