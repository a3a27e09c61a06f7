-- The operations on money. Each function makes one request: it checks the
-- request, moves the money and stores the idempotency key, in one statement of
-- the caller.
--
-- A refusal is returned as a result, not as an exception: everything is checked
-- before the first write. `code` is NULL on success; otherwise it is the code
-- that clients see. Locks are taken in one order: accounts by id, transfers,
-- keys. (A batch's own key is locked before its accounts; this can cause a
-- deadlock only if a user uses one key for two requests at once, and then the
-- request is retried.)
-- kedge: formerly 413cebc6b142b7aa877670f5af63c60359aee65cc154046a07e0d157757d843a

CREATE TYPE ledger_answer AS (
	code text,
	-- true: an earlier request with this key has made the transfer
	replayed boolean,
	emitted integer, -- number of enqueued jobs
	transfer transfer
);

-- The columns of a transfer that the caller of ledger_transfer() does not know
-- yet.
CREATE TYPE ledger_made AS (
	item integer, -- number of the item among several, from 1
	code text,
	replayed boolean,
	emitted integer,
	id uuid,
	currency text,
	created_at timestamptz,
	expires_at timestamptz,
	metadata json -- set only in a replay: the text as the first request spelled it
);

-- The transfer as events show it, which is as `GET /transfers/{id}` shows it.
CREATE FUNCTION transfer_event(t transfer) RETURNS jsonb
LANGUAGE sql STABLE AS $$
	SELECT jsonb_build_object('id', t.id, 'kind', t.kind,
		'status', t.status, 'debitAccountId', t.debit_account_id,
		'creditAccountId', t.credit_account_id, 'amount', t.amount,
		'currency', t.currency, 'memo', t.memo, 'metadata', t.metadata,
		'createdAt', job_time(t.created_at),
		'expiresAt', job_time(t.expires_at),
		'capturedAmount', t.captured_amount,
		'reversedAmount', t.reversed_amount, 'reverses', t.reverses,
		'provider', t.provider, 'reference', t.reference)
$$;

-- Enqueues the webhook deliveries of an event, if there is any endpoint.
-- Usually there is none. p_origin identifies the request, here and in the
-- functions for clients' requests: it is the request's id, a space, and its
-- trace id if it has one.
CREATE FUNCTION ledger_emit(p_type text, p_data jsonb, p_origin text)
RETURNS integer
LANGUAGE sql AS $$
	SELECT webhook_emit(p_type, p_data,
		nullif(split_part(p_origin, ' ', 2), ''),
		nullif(split_part(p_origin, ' ', 1), ''))
$$;
CREATE FUNCTION transfer_emit(p_type text, t transfer, p_origin text)
RETURNS integer
LANGUAGE plpgsql AS $$
BEGIN
	IF EXISTS (SELECT FROM webhook_endpoint) THEN
		RETURN ledger_emit(p_type, transfer_event(t), p_origin);
	END IF;
	RETURN 0;
END
$$;

-- Returns a transfer as it was in the first response.
CREATE FUNCTION transfer_as_made(p_id uuid) RETURNS transfer
LANGUAGE plpgsql STABLE AS $$
DECLARE
	t transfer;
BEGIN
	SELECT * INTO t FROM transfer WHERE id = p_id;
	t.status := CASE WHEN t.expires_at IS NULL THEN 'posted' ELSE 'held' END;
	t.captured_amount := NULL;
	t.reversed_amount := 0;
	RETURN t;
END
$$;

-- Returns the first response for the key, or `p_code` if there was none: a
-- refusal is not stored, so that the key can be used again when there are
-- funds.
CREATE FUNCTION ledger_replay(p_user text, p_key text, p_sha256 bytea,
	p_code text) RETURNS ledger_answer
LANGUAGE plpgsql AS $$
DECLARE
	v_first idempotency;
	v ledger_answer;
BEGIN
	v.code := p_code;
	v.replayed := false;
	v.emitted := 0;
	SELECT * INTO v_first FROM idempotency
	WHERE user_id = p_user AND key = p_key;
	IF NOT FOUND AND p_code IS NULL THEN
		-- The key was deleted after it had been found, so it is free
		-- now.
		RAISE EXCEPTION 'the key has just been forgotten'
			USING ERRCODE = 'serialization_failure';
	END IF;
	IF NOT FOUND THEN
		RETURN v;
	END IF;
	IF v_first.request_sha256 <> p_sha256 THEN
		v.code := 'IDEMPOTENCY_KEY_REUSED';
		RETURN v;
	END IF;
	v.code := NULL;
	v.replayed := true;
	v.transfer := transfer_as_made(v_first.transfer_id);
	RETURN v;
END
$$;

-- Like ledger_replay(), but returns the columns of ledger_made.
CREATE FUNCTION ledger_made_again(p_user text, p_key text, p_sha256 bytea,
	p_code text) RETURNS ledger_made
LANGUAGE plpgsql AS $$
DECLARE
	a ledger_answer := ledger_replay(p_user, p_key, p_sha256, p_code);
	t transfer := a.transfer;
BEGIN
	RETURN (NULL, a.code, a.replayed, 0, t.id, t.currency, t.created_at,
		t.expires_at, t.metadata)::ledger_made;
END
$$;

-- Makes a transfer from an account of the user to an account of any user; if
-- the user is an operator, from any account to any account. With p_hold_s the
-- amount is not moved, but held for that many seconds. The key may be missing
-- only for an item of a batch.
--
-- The function sets the search path by set_config(), because a SET clause costs
-- as much as two of its queries; and it locks both accounts by one query.
CREATE FUNCTION ledger_transfer(p_user text, p_operator boolean, p_key text,
	p_sha256 bytea, p_debit uuid, p_credit uuid, p_amount bigint,
	p_memo text, p_metadata json, p_hold_s integer,
	p_keyless boolean DEFAULT false, p_origin text DEFAULT NULL)
RETURNS ledger_made
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
	l record;
	-- This is evaluated before the body sets the search path.
	d public.account;
	c public.account;
	t public.transfer;
	v public.ledger_made;
BEGIN
	IF pg_catalog.current_setting('search_path')
		OPERATOR(pg_catalog.<>) 'public, pg_temp' THEN
		PERFORM pg_catalog.set_config('search_path', 'public, pg_temp',
			true);
	END IF;
	-- The rows are locked in the order of the names after OF. (least()
	-- could not be used: it ignores NULL, and would find one account
	-- twice.)
	SELECT low, high, EXISTS (SELECT FROM webhook_endpoint) AS is_heard
	INTO l
	FROM account low, account high
	WHERE low.id = CASE WHEN p_debit < p_credit
			THEN p_debit ELSE p_credit END
		AND high.id = CASE WHEN p_debit < p_credit
			THEN p_credit ELSE p_debit END
	FOR NO KEY UPDATE OF low, high;
	d := CASE WHEN p_debit < p_credit THEN l.low ELSE l.high END;
	c := CASE WHEN p_debit < p_credit THEN l.high ELSE l.low END;

	v.code := CASE
		WHEN p_debit = p_credit THEN 'SAME_ACCOUNT'
		WHEN d.id IS NULL THEN 'ACCOUNT_NOT_FOUND'
		WHEN p_operator IS NOT TRUE AND (d.user_id IS DISTINCT FROM p_user
			OR c.kind <> 'user') THEN 'ACCOUNT_NOT_FOUND'
		WHEN d.currency <> c.currency THEN 'CURRENCY_MISMATCH'
		WHEN d.frozen OR c.frozen THEN 'ACCOUNT_FROZEN'
		WHEN p_amount NOT BETWEEN 1 AND 9007199254740991
			OR p_hold_s IS NULL
				AND (c.balance + p_amount > 9007199254740991
				OR d.balance - p_amount < -9007199254740991)
			OR p_hold_s IS NOT NULL
				AND d.held + p_amount > 9007199254740991
			THEN 'AMOUNT_OUT_OF_RANGE'
		WHEN d.kind = 'user' AND d.balance - d.held < p_amount
			THEN 'INSUFFICIENT_FUNDS' END;
	IF v.code IS NOT NULL THEN
		RETURN ledger_made_again(p_user, p_key, p_sha256, v.code);
	END IF;

	v.id := uuidv7();
	IF NOT p_keyless THEN
		INSERT INTO idempotency (user_id, key, request_sha256,
			transfer_id)
		VALUES (p_user, p_key, p_sha256, v.id) ON CONFLICT DO NOTHING;
		IF NOT FOUND THEN
			RETURN ledger_made_again(p_user, p_key, p_sha256, NULL);
		END IF;
	END IF;
	v.created_at := clock_timestamp();
	v.expires_at := v.created_at + make_interval(secs => p_hold_s);
	v.currency := d.currency;
	INSERT INTO transfer (id, status, user_id, debit_account_id,
		credit_account_id, currency, amount, memo, metadata, created_at,
		expires_at)
	VALUES (v.id, CASE WHEN p_hold_s IS NULL THEN 'posted' ELSE 'held' END,
		p_user, p_debit, p_credit, v.currency, p_amount, p_memo,
		p_metadata, v.created_at, v.expires_at);
	v.replayed := false;
	v.emitted := 0;
	IF l.is_heard THEN
		SELECT * INTO t FROM transfer WHERE id = v.id;
		v.emitted := transfer_emit('transfer.' || t.status, t, p_origin);
	END IF;
	RETURN v;
END
$$;

-- Locks both accounts of a transfer and then the transfer.
CREATE FUNCTION transfer_lock(p_id uuid) RETURNS transfer
LANGUAGE plpgsql AS $$
DECLARE
	t transfer;
BEGIN
	SELECT * INTO t FROM transfer WHERE id = p_id;
	PERFORM FROM account
	WHERE id IN (t.debit_account_id, t.credit_account_id)
	ORDER BY id FOR NO KEY UPDATE;
	SELECT * INTO t FROM transfer WHERE id = p_id FOR NO KEY UPDATE;
	RETURN t;
END
$$;

-- The user who owns the account; NULL for an account of the system.
CREATE FUNCTION account_owner(p_id uuid) RETURNS text
LANGUAGE sql STABLE AS $$ SELECT user_id FROM account WHERE id = p_id $$;

-- Checks whether p_amount of a locked transfer can be moved from p_from to
-- p_to. Returns a code, or NULL if it can.
CREATE FUNCTION ledger_check_move(p_from uuid, p_to uuid, p_amount bigint,
	p_held bigint) RETURNS text
LANGUAGE plpgsql STABLE AS $$
DECLARE
	d account;
	c account;
BEGIN
	SELECT * INTO d FROM account WHERE id = p_from;
	SELECT * INTO c FROM account WHERE id = p_to;
	RETURN CASE
		WHEN d.frozen OR c.frozen THEN 'ACCOUNT_FROZEN'
		WHEN p_amount NOT BETWEEN 1 AND 9007199254740991
			OR c.balance + p_amount > 9007199254740991
			OR d.balance - p_amount < -9007199254740991
			THEN 'AMOUNT_OUT_OF_RANGE'
		WHEN d.kind = 'user'
			AND d.balance - d.held + p_held < p_amount
			THEN 'INSUFFICIENT_FUNDS' END;
END
$$;

-- Returns the code why this user may not capture or release a hold; NULL if
-- they may. Of the two users only the payee may.
CREATE FUNCTION ledger_check_hold(t transfer, p_user text, p_operator boolean)
RETURNS text
LANGUAGE plpgsql STABLE AS $$
BEGIN
	IF p_operator IS NOT TRUE
		AND account_owner(t.credit_account_id) IS DISTINCT FROM p_user THEN
		RETURN CASE WHEN account_owner(t.debit_account_id) = p_user
			THEN 'NOT_THE_PAYEE' ELSE 'TRANSFER_NOT_FOUND' END;
	END IF;
	RETURN CASE
		WHEN t.id IS NULL THEN 'TRANSFER_NOT_FOUND'
		WHEN t.status = 'expired' THEN 'HOLD_EXPIRED'
		WHEN t.status <> 'held' THEN 'HOLD_NOT_OPEN' END;
END
$$;

-- Captures p_amount (NULL: all) of a hold. The rest of the held amount becomes
-- available again.
CREATE FUNCTION ledger_capture(p_user text, p_operator boolean, p_key text,
	p_sha256 bytea, p_id uuid, p_amount bigint,
	p_origin text DEFAULT NULL) RETURNS ledger_answer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
	t transfer := transfer_lock(p_id);
	v ledger_answer;
	v_amount bigint := coalesce(p_amount, t.amount);
	v_code text := ledger_check_hold(t, p_user, p_operator);
BEGIN
	v_code := coalesce(v_code, CASE
		WHEN t.expires_at <= clock_timestamp() THEN 'HOLD_EXPIRED'
		WHEN v_amount > t.amount THEN 'CAPTURE_TOO_LARGE' END,
		ledger_check_move(t.debit_account_id, t.credit_account_id,
			v_amount, t.amount));
	IF v_code IS NULL THEN
		INSERT INTO idempotency (user_id, key, request_sha256,
			transfer_id)
		VALUES (p_user, p_key, p_sha256, p_id) ON CONFLICT DO NOTHING;
	END IF;
	IF v_code IS NOT NULL OR NOT FOUND THEN
		v := ledger_replay(p_user, p_key, p_sha256, v_code);
		IF v.replayed THEN
			-- After the capture of a transfer, only these columns
			-- can have changed since the first response.
			t.status := 'captured';
			t.reversed_amount := 0;
			v.transfer := t;
		END IF;
		RETURN v;
	END IF;
	UPDATE transfer SET status = 'captured', captured_amount = v_amount
	WHERE id = p_id RETURNING * INTO t;
	v.replayed := false;
	v.emitted := transfer_emit('transfer.captured', t, p_origin);
	v.transfer := t;
	RETURN v;
END
$$;

-- Releases a hold. A repeated request changes nothing and returns the same
-- result.
CREATE FUNCTION ledger_release(p_user text, p_operator boolean, p_id uuid,
	p_origin text DEFAULT NULL) RETURNS ledger_answer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
	t transfer := transfer_lock(p_id);
	v ledger_answer;
BEGIN
	v.code := ledger_check_hold(t, p_user, p_operator);
	v.replayed := v.code = 'HOLD_NOT_OPEN' AND t.status = 'released';
	v.emitted := 0;
	IF v.replayed THEN
		v.code := NULL;
	ELSIF v.code IS NULL THEN
		v.replayed := false;
		UPDATE transfer SET status = 'released'
		WHERE id = p_id RETURNING * INTO t;
		v.emitted := transfer_emit('transfer.released', t, p_origin);
	END IF;
	v.transfer := t;
	RETURN v;
END
$$;

-- For operators. Reverses p_amount (NULL: all that is left) of a transfer, by
-- making another transfer that refers to it. Returns that reversal.
CREATE FUNCTION ledger_reverse(p_user text, p_key text, p_sha256 bytea,
	p_id uuid, p_amount bigint, p_memo text, p_origin text DEFAULT NULL,
	OUT answer ledger_answer, OUT original transfer)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
	t transfer := transfer_lock(p_id);
	r transfer;
	v_left bigint := coalesce(t.captured_amount, t.amount)
		- t.reversed_amount;
	v_amount bigint := coalesce(p_amount, v_left);
	v_id uuid := uuidv7();
	v_now timestamptz;
	v_code text;
BEGIN
	v_code := coalesce(CASE
		WHEN t.id IS NULL THEN 'TRANSFER_NOT_FOUND'
		WHEN t.status = 'reversed' THEN 'ALREADY_REVERSED'
		WHEN t.kind = 'reversal'
			OR t.status NOT IN ('posted', 'captured')
			THEN 'NOT_REVERSIBLE'
		WHEN v_amount > v_left THEN 'REVERSAL_TOO_LARGE' END,
		ledger_check_move(t.credit_account_id, t.debit_account_id,
			v_amount, 0));
	IF v_code IS NULL THEN
		INSERT INTO idempotency (user_id, key, request_sha256,
			transfer_id, reversed_amount)
		VALUES (p_user, p_key, p_sha256, v_id,
			t.reversed_amount + v_amount)
		ON CONFLICT DO NOTHING;
	END IF;
	IF v_code IS NOT NULL OR NOT FOUND THEN
		answer := ledger_replay(p_user, p_key, p_sha256, v_code);
		IF answer.replayed THEN
			SELECT reversed_amount INTO t.reversed_amount
			FROM idempotency WHERE user_id = p_user AND key = p_key;
			t.status := CASE
				WHEN t.reversed_amount
					= coalesce(t.captured_amount, t.amount)
					THEN 'reversed'
				WHEN t.expires_at IS NULL THEN 'posted'
				ELSE 'captured' END;
			original := t;
		END IF;
		RETURN;
	END IF;
	v_now := clock_timestamp();
	INSERT INTO transfer (id, kind, user_id, debit_account_id,
		credit_account_id, currency, amount, memo, created_at, reverses)
	VALUES (v_id, 'reversal', p_user, t.credit_account_id,
		t.debit_account_id, t.currency, v_amount, p_memo, v_now, p_id)
	RETURNING * INTO r;
	SELECT * INTO original FROM transfer WHERE id = p_id;
	answer.replayed := false;
	answer.emitted := transfer_emit('transfer.posted', r, p_origin)
		+ transfer_emit('transfer.reversed', original, p_origin);
	answer.transfer := r;
END
$$;

-- Returns the account on the other side of deposits and withdrawals. When it is
-- needed for the first time, it is created, together with the account for fees.
CREATE FUNCTION account_external(p_currency text) RETURNS uuid
LANGUAGE plpgsql AS $$
DECLARE
	v_name text := 'external:' || p_currency;
	v_id uuid;
BEGIN
	LOOP
		SELECT id INTO v_id FROM account
		WHERE kind = 'system' AND name = v_name;
		EXIT WHEN FOUND;
		INSERT INTO account (kind, name, currency)
		VALUES ('system', v_name, p_currency),
			('system', 'fees:' || p_currency, p_currency)
		ON CONFLICT DO NOTHING;
	END LOOP;
	RETURN v_id;
END
$$;

-- Makes a deposit or a withdrawal (p_kind), for operators. The payment
-- provider's reference is the idempotency key: a repeated request gets the
-- first result, and another deposit or withdrawal with the same reference is
-- refused.
CREATE FUNCTION ledger_external(p_user text, p_kind text, p_account uuid,
	p_amount bigint, p_provider text, p_reference text, p_memo text,
	p_origin text DEFAULT NULL) RETURNS ledger_answer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
	a account;
	t transfer;
	v ledger_answer;
	v_debit uuid := p_account;
	v_credit uuid := p_account;
	v_external uuid;
	v_first uuid;
	v_id uuid := uuidv7();
BEGIN
	v.replayed := false;
	v.emitted := 0;
	SELECT * INTO a FROM account WHERE id = p_account AND kind = 'user';
	IF NOT FOUND THEN
		v.code := 'ACCOUNT_NOT_FOUND';
		RETURN v;
	END IF;
	v_external := account_external(a.currency);
	IF p_kind = 'deposit' THEN
		v_debit := v_external;
	ELSE
		v_credit := v_external;
	END IF;
	PERFORM FROM account WHERE id IN (v_debit, v_credit)
	ORDER BY id FOR NO KEY UPDATE;

	SELECT transfer_id INTO v_first FROM external_reference
	WHERE provider = p_provider AND reference = p_reference;
	IF NOT FOUND THEN
		v.code := ledger_check_move(v_debit, v_credit, p_amount, 0);
		IF v.code IS NOT NULL THEN
			RETURN v;
		END IF;
		INSERT INTO transfer (id, kind, user_id, debit_account_id,
			credit_account_id, currency, amount, memo, created_at,
			provider, reference)
		VALUES (v_id, p_kind, p_user, v_debit, v_credit, a.currency,
			p_amount, p_memo, clock_timestamp(), p_provider,
			p_reference)
		RETURNING * INTO t;
		-- The external account is locked, so of all transactions in one
		-- currency only one is here at a time. If transactions in two
		-- currencies have the same reference, the second one is retried
		-- and then finds the reference.
		INSERT INTO external_reference
		VALUES (p_provider, p_reference, v_id)
		ON CONFLICT DO NOTHING;
		IF NOT FOUND THEN
			RAISE EXCEPTION 'the reference was taken meanwhile'
				USING ERRCODE = 'serialization_failure';
		END IF;
		v.emitted := transfer_emit('transfer.posted', t, p_origin);
		v.transfer := t;
		RETURN v;
	END IF;

	t := transfer_as_made(v_first);
	IF (t.kind, t.debit_account_id, t.credit_account_id, t.amount, t.memo)
		IS DISTINCT FROM (p_kind, v_debit, v_credit, p_amount, p_memo) THEN
		v.code := 'REFERENCE_REUSED';
	ELSE
		v.replayed := true;
		v.transfer := t;
	END IF;
	RETURN v;
END
$$;
