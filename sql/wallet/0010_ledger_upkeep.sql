-- Functions for accounts, currencies and freezing, and for the scheduled jobs.
-- kedge: formerly 6d845d1e38a5a3e0989b2158fdcc5f4195d04aba118a27bfb5339f8439a97622

-- Opens an account for a user, and creates the user's wallet if there is none
-- yet.
CREATE FUNCTION ledger_open_account(p_user text, p_name text,
	p_currency text, p_origin text DEFAULT NULL,
	OUT code text, OUT emitted integer, OUT account_id uuid)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
	a account;
BEGIN
	emitted := 0;
	IF NOT EXISTS (SELECT FROM currency WHERE currency.code = p_currency) THEN
		code := 'CURRENCY_UNKNOWN';
		RETURN;
	END IF;
	INSERT INTO wallet (user_id) VALUES (p_user) ON CONFLICT DO NOTHING;
	PERFORM FROM wallet WHERE user_id = p_user FOR UPDATE;
	IF (SELECT count(*) FROM account
		WHERE user_id = p_user AND kind = 'user') >= 100 THEN
		code := 'TOO_MANY_ACCOUNTS';
		RETURN;
	END IF;
	INSERT INTO account (user_id, name, currency)
	VALUES (p_user, p_name, p_currency) RETURNING * INTO a;
	account_id := a.id;
	emitted := account_emit(a, p_origin);
END
$$;

CREATE FUNCTION account_emit(a account, p_origin text) RETURNS integer
LANGUAGE plpgsql AS $$
BEGIN
	IF EXISTS (SELECT FROM webhook_endpoint) THEN
		RETURN ledger_emit('account.created', jsonb_build_object(
			'id', a.id, 'userId', a.user_id, 'name', a.name,
			'currency', a.currency, 'balance', a.balance,
			'held', a.held, 'available', a.balance - a.held,
			'frozen', a.frozen, 'createdAt', job_time(a.created_at)),
			p_origin);
	END IF;
	RETURN 0;
END
$$;

-- For first contact: creates the user's wallet together with one account; does
-- nothing when the wallet exists. If several calls for one user run at the same
-- time, the first one creates the wallet, and the others wait until it has
-- committed and then find the wallet.
CREATE FUNCTION ledger_open_first(p_user text, p_currency text,
	p_origin text DEFAULT NULL) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
	a account;
BEGIN
	INSERT INTO wallet (user_id) VALUES (p_user) ON CONFLICT DO NOTHING;
	IF NOT FOUND THEN
		RETURN 0;
	END IF;
	INSERT INTO account (user_id, name, currency)
	VALUES (p_user, 'Main', p_currency) RETURNING * INTO a;
	RETURN account_emit(a, p_origin);
END
$$;

CREATE FUNCTION ledger_freeze(p_account uuid, p_frozen boolean) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
	UPDATE account SET frozen = p_frozen WHERE id = p_account;
	RETURN FOUND;
END
$$;

CREATE FUNCTION ledger_add_currency(p_code text, p_exponent integer)
RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
	INSERT INTO currency (code, exponent)
	VALUES (p_code, p_exponent::smallint) ON CONFLICT DO NOTHING;
	RETURN FOUND;
END
$$;

-- Jobs

-- Releases at most p_limit expired holds; returns their number.
CREATE FUNCTION ledger_expire(p_limit integer, OUT expired integer,
	OUT emitted integer)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
	v_ids uuid[];
	t transfer;
BEGIN
	expired := 0;
	emitted := 0;
	SELECT array_agg(id) INTO v_ids FROM (SELECT id FROM transfer
		WHERE status = 'held' AND expires_at <= clock_timestamp()
		ORDER BY expires_at LIMIT p_limit) due;
	PERFORM FROM account WHERE id IN (
		SELECT debit_account_id FROM transfer WHERE id = ANY(v_ids)
		UNION
		SELECT credit_account_id FROM transfer WHERE id = ANY(v_ids))
	ORDER BY id FOR NO KEY UPDATE;
	FOR t IN
		UPDATE transfer SET status = 'expired'
		WHERE id = ANY(v_ids) AND status = 'held' RETURNING *
	LOOP
		expired := expired + 1;
		emitted := emitted + transfer_emit('transfer.released', t, NULL);
	END LOOP;
END
$$;

-- Deletes idempotency keys that were first used more than p_days days ago;
-- returns their number.
CREATE FUNCTION ledger_forget_keys(p_days integer) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
	v_count bigint;
BEGIN
	DELETE FROM idempotency
	WHERE created_at < now() - make_interval(days => greatest(p_days, 1));
	GET DIAGNOSTICS v_count = ROW_COUNT;
	RETURN v_count;
END
$$;

-- Returns the seq of the last of an account's entries that was made before
-- p_at; 0: there is none.
CREATE FUNCTION entry_last_before(p_account uuid, p_at timestamptz)
RETURNS bigint
LANGUAGE sql STABLE AS $$
	SELECT coalesce((SELECT seq FROM entry
		WHERE account_id = p_account AND created_at < p_at
		ORDER BY seq DESC LIMIT 1), 0)
$$;

-- Writes one statement for each account that existed in the month, which must
-- be over. Returns how many statements were written, because they were missing.
-- The entries of an account are divided into months in the order in which the
-- balance changed, without a gap: if the clock was set back at the end of a
-- month, the month has all entries between its first and its last one, whatever
-- their times.
CREATE FUNCTION ledger_write_statements(p_month date) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
	v_from timestamptz := p_month::timestamp AT TIME ZONE 'UTC';
	v_to timestamptz := (p_month + interval '1 month') AT TIME ZONE 'UTC';
	v_count bigint;
BEGIN
	IF v_to > now() THEN
		RETURN 0;
	END IF;
	INSERT INTO statement (account_id, month, currency, opening, closing,
		credits, debits, entries, last_seq)
	SELECT a.id, p_month, a.currency, coalesce(opening, 0),
		coalesce(closing, 0), coalesce(credits, 0), coalesce(debits, 0),
		entries, upto
	FROM account a
		CROSS JOIN LATERAL (SELECT coalesce((SELECT last_seq FROM statement
			WHERE account_id = a.id
				AND month = p_month - interval '1 month'),
			entry_last_before(a.id, v_from)) AS behind) f
		CROSS JOIN LATERAL (SELECT greatest(behind,
			entry_last_before(a.id, v_to)) AS upto) l
		CROSS JOIN LATERAL (
			SELECT sum(amount) FILTER (WHERE amount > 0) AS credits,
				-sum(amount) FILTER (WHERE amount < 0) AS debits,
				count(*) AS entries
			FROM entry WHERE account_id = a.id
				AND seq > behind AND seq <= upto
		) sums
		LEFT JOIN LATERAL (SELECT balance_after AS opening FROM entry
			WHERE account_id = a.id AND seq = behind) o ON true
		LEFT JOIN LATERAL (SELECT balance_after AS closing FROM entry
			WHERE account_id = a.id AND seq = upto) c ON true
	WHERE a.created_at < v_to
	ON CONFLICT DO NOTHING;
	GET DIAGNOSTICS v_count = ROW_COUNT;
	RETURN v_count;
END
$$;

-- Writes the statements of each past month that has none, beginning with the
-- month of the first account. So the result does not depend on when this
-- function is called.
CREATE FUNCTION ledger_write_missing_statements() RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
	v_month date;
	v_count bigint := 0;
BEGIN
	FOR v_month IN
		SELECT m::date FROM generate_series(
			(SELECT date_trunc('month', min(created_at)
				AT TIME ZONE 'UTC') FROM account),
			now() AT TIME ZONE 'UTC' - interval '1 month',
			'1 month') m
		WHERE m NOT IN (SELECT month FROM statement)
		ORDER BY m
	LOOP
		v_count := v_count + ledger_write_statements(v_month);
	END LOOP;
	RETURN v_count;
END
$$;

-- The check

CREATE TYPE ledger_mismatch AS (kind text, id text, detail text);

-- Returns the mismatches of the ledger in the snapshot of the caller's
-- statement, p_limit of them at most.
CREATE FUNCTION ledger_mismatches(p_limit integer)
RETURNS SETOF ledger_mismatch
LANGUAGE sql STABLE AS $$
	(SELECT 'currency', currency, 'entries add up to ' || sum(amount)
	FROM entry GROUP BY currency HAVING sum(amount) <> 0)
	UNION ALL
	(SELECT 'balance', coalesce(a.id, e.account_id)::text,
		coalesce('balance ' || a.balance,
			'there is no such account in ' || e.currency)
		|| ', its entries ' || coalesce(e.sum, 0)
	FROM account a FULL JOIN (SELECT account_id, currency,
			sum(amount) AS sum FROM entry
			GROUP BY account_id, currency) e
		ON e.account_id = a.id AND e.currency = a.currency
	WHERE a.balance IS DISTINCT FROM coalesce(e.sum, 0))
	UNION ALL
	(SELECT 'running', account_id::text, 'entry ' || seq || ' leaves '
		|| balance_after || ', not ' || running
	FROM (SELECT account_id, seq, balance_after, sum(amount) OVER (
			PARTITION BY account_id ORDER BY seq) AS running
		FROM entry) e
	WHERE balance_after <> running)
	UNION ALL
	(SELECT 'held', coalesce(a.id, h.account_id)::text,
		coalesce('held ' || a.held,
			'there is no such account in ' || h.currency)
		|| ', open holds ' || coalesce(h.sum, 0)
	FROM account a FULL JOIN (SELECT debit_account_id AS account_id,
			currency, sum(amount) AS sum FROM transfer
			WHERE status = 'held' GROUP BY 1, 2) h
		ON h.account_id = a.id AND h.currency = a.currency
	WHERE a.held IS DISTINCT FROM coalesce(h.sum, 0))
	UNION ALL
	(SELECT 'transfer', coalesce(t.id, e.transfer_id)::text,
		coalesce(t.status, 'missing') || ', ' || coalesce(e.count, 0)
		|| ' entries'
	FROM transfer t FULL JOIN (
			SELECT transfer_id, count(*) AS count,
				(array_agg(account_id ORDER BY amount))[1] AS debit,
				(array_agg(account_id ORDER BY amount))[2] AS credit,
				min(amount) AS least, max(amount) AS most,
				min(currency) AS currency
			FROM entry GROUP BY transfer_id) e
		ON e.transfer_id = t.id
	WHERE CASE WHEN t.status IN ('held', 'released', 'expired')
		THEN e.count IS NOT NULL
		ELSE (e.count, e.debit, e.credit, e.currency, e.least, e.most)
			IS DISTINCT FROM (2::bigint, t.debit_account_id,
			t.credit_account_id, t.currency,
			-coalesce(t.captured_amount, t.amount)::bigint,
			coalesce(t.captured_amount, t.amount)::bigint) END)
	UNION ALL
	(SELECT 'reversal', coalesce(t.id, r.reverses)::text,
		coalesce(t.status || ', reversed ' || t.reversed_amount,
			'there is no such transfer')
		|| ', reversals ' || coalesce(r.sum, 0)
	FROM transfer t FULL JOIN (SELECT reverses, sum(amount) AS sum
			FROM transfer WHERE reverses IS NOT NULL
			GROUP BY reverses) r ON r.reverses = t.id
	WHERE t.reversed_amount IS DISTINCT FROM coalesce(r.sum, 0)
		OR (t.status = 'reversed') <> (t.reversed_amount
			= coalesce(t.captured_amount, t.amount)))
	LIMIT p_limit
$$;

CREATE FUNCTION ledger_check(p_limit integer, OUT accounts bigint,
	OUT transfers bigint, OUT entries bigint, OUT mismatches json)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
	SELECT (SELECT count(*) FROM account), (SELECT count(*) FROM transfer),
		(SELECT count(*) FROM entry),
		(SELECT coalesce(json_agg(m), '[]')
			FROM ledger_mismatches(p_limit) m)
$$;

-- The result of the last ledger check: a table with one row.
CREATE TABLE ledger_checked (
	one boolean PRIMARY KEY DEFAULT true CHECK (one),
	checked_at timestamptz NOT NULL,
	mismatches integer NOT NULL
);
GRANT SELECT ON ledger_checked TO wallet;

CREATE FUNCTION ledger_note_check(p_mismatches integer) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
	INSERT INTO ledger_checked (checked_at, mismatches)
	VALUES (clock_timestamp(), p_mismatches)
	ON CONFLICT (one) DO UPDATE SET checked_at = excluded.checked_at,
		mismatches = excluded.mismatches
$$;

DO $$
DECLARE
	v_function regprocedure;
BEGIN
	FOR v_function IN
		SELECT oid FROM pg_proc
		WHERE pronamespace = 'public'::regnamespace
			AND proname ~ '^(ledger|transfer|account|entry)_'
	LOOP
		EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC',
			v_function);
	END LOOP;
	FOR v_function IN
		SELECT oid FROM pg_proc
		WHERE pronamespace = 'public'::regnamespace
			AND proname ~ '^ledger_' AND prosecdef
	LOOP
		EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO wallet',
			v_function);
	END LOOP;
	GRANT EXECUTE ON FUNCTION entry_seq_at(uuid, timestamptz) TO wallet;
END
$$;
