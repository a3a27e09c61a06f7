-- One order of locks for all operations, and rows that are matched to items by
-- the item's number.
--
-- Every operation takes its locks in this order:
--
--   1. its idempotency keys, all of them at once, by user and key
--   2. accounts, by id
--   3. transfers; an operation that changes one has locked both of its accounts
--   4. a provider's reference, the last lock that a deposit waits for
--
-- So a request that waits for a key has locked no account, and only other
-- requests with the same keys wait for this request. In the order of 0008, a
-- batch locked its own key before its accounts, while a transfer locked its key
-- after them; 0008 says that this only affects a user who uses one key for two
-- requests at once. That was wrong: the transfer kept its accounts locked while
-- it waited for the key, the batch waited for those accounts, and every payment
-- to one of them waited until PostgreSQL ended the deadlock.
--
-- The new order has a cost: a request that is refused has already written its
-- key, and must delete it again.
--
-- No row is matched to a request by its position any more, unless ORDER BY
-- determines the position. The functions run as the owner, so each has a search
-- path of its own.
-- kedge: formerly 2789d97d4802f3b22b0db4eea3842800af38c1af4fa6fea0a92743dba4bc9d28

-- Columns for the user who ended a hold, the time and the reason; `reason` is
-- the reason that an operator gave for a transfer.
ALTER TABLE transfer
	ADD reason text,
	ADD settled_at timestamptz,
	ADD settled_by text, -- NULL: the hold expired
	ADD settled_reason text;

-- Entries of a transfer

CREATE OR REPLACE FUNCTION transfer_check_change(o transfer, n transfer)
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
	v_moved bigint := coalesce(n.captured_amount, n.amount);
BEGIN
	IF (n.id, n.kind, n.user_id, n.debit_account_id, n.credit_account_id,
		n.currency, n.amount, n.memo, n.metadata::text, n.created_at,
		n.expires_at, n.reverses, n.provider, n.reference, n.reason)
		IS DISTINCT FROM (o.id, o.kind, o.user_id, o.debit_account_id,
		o.credit_account_id, o.currency, o.amount, o.memo,
		o.metadata::text, o.created_at, o.expires_at, o.reverses,
		o.provider, o.reference, o.reason) THEN
		RAISE EXCEPTION 'what a transfer is does not change'
			USING ERRCODE = 'check_violation';
	END IF;
	IF o.status = 'held' AND n.reversed_amount = 0 AND (
		(n.status = 'captured'
			AND n.captured_amount BETWEEN 1 AND n.amount)
		OR (n.status IN ('released', 'expired')
			AND n.captured_amount IS NULL)) THEN
		RETURN;
	END IF;
	-- The transfer is being changed by the insertion of its reversal: by a
	-- trigger, so pg_trigger_depth() is more than 1.
	IF o.status IN ('posted', 'captured') AND pg_trigger_depth() > 1
		AND (n.captured_amount, n.settled_at, n.settled_by,
			n.settled_reason) IS NOT DISTINCT FROM
			(o.captured_amount, o.settled_at, o.settled_by,
			o.settled_reason)
		AND n.reversed_amount > o.reversed_amount
		AND n.reversed_amount <= v_moved
		AND (n.status = 'reversed') = (n.reversed_amount = v_moved)
		AND n.status IN (o.status, 'reversed') THEN
		RETURN;
	END IF;
	RAISE EXCEPTION 'a transfer does not go from % to % like this',
		o.status, n.status USING ERRCODE = 'check_violation';
END
$$;

-- As in 0011, but transfers are processed in the order of their ids, which
-- within one request is the order of its items. Metadata that jsonb cannot
-- store (U+0000, an unpaired surrogate, a number out of range) is refused,
-- because no event could contain the transfer.
CREATE OR REPLACE FUNCTION transfer_apply() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
SET enable_hashjoin = off SET enable_mergejoin = off
SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
	v_reverses boolean;
	v_sound boolean;
	v_found boolean;
	v_thawed boolean;
	v_covered boolean;
	v_made transfer;
BEGIN
	SELECT count(reverses) > 0, count(metadata::jsonb) >= 0 AND bool_and(
		amount BETWEEN 1 AND 9007199254740991
		AND debit_account_id <> credit_account_id
		AND status IN ('posted', 'held')
		AND (status = 'held') = (expires_at IS NOT NULL)
		AND kind IN ('transfer', 'deposit', 'withdrawal', 'reversal')
		AND (kind = 'reversal') = (reverses IS NOT NULL)
		AND captured_amount IS NULL AND reversed_amount = 0
		AND settled_at IS NULL AND settled_by IS NULL
		AND settled_reason IS NULL)
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
			lead(id) OVER so_far IS NULL AS is_last
		FROM (SELECT id, debit_account_id AS account_id, currency,
				CASE status WHEN 'posted' THEN -amount ELSE 0 END
					AS move,
				CASE status WHEN 'held' THEN amount ELSE 0 END
					AS hold
			FROM made
			UNION ALL
			SELECT id, credit_account_id, currency,
				CASE status WHEN 'posted' THEN amount ELSE 0 END, 0
			FROM made) AS line
		WINDOW so_far AS (PARTITION BY account_id, currency ORDER BY id
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
		SELECT array_agg(balance ORDER BY place) AS balance,
			array_agg(free ORDER BY place) AS free,
			array_agg(seq ORDER BY place) AS seq,
			bool_or(frozen) AS frozen,
			count(*) = (SELECT max(place) FROM step) AS complete,
			clock_timestamp() AS now
		FROM moved
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
		FOR v_made IN SELECT * FROM made WHERE reverses IS NOT NULL
			ORDER BY id
		LOOP
			PERFORM transfer_reverse(v_made.reverses, v_made);
		END LOOP;
	END IF;
	RETURN NULL;
END
$$;

-- Events

-- A transfer that was made before this file was run may have metadata that
-- jsonb cannot store. In an event of such a transfer, metadata is null.
CREATE FUNCTION transfer_metadata(p_metadata json) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE STRICT
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
	RETURN p_metadata::jsonb;
EXCEPTION WHEN data_exception OR program_limit_exceeded THEN
	RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION transfer_event(t transfer) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
	SELECT jsonb_build_object('id', t.id, 'kind', t.kind,
		'status', t.status, 'debitAccountId', t.debit_account_id,
		'creditAccountId', t.credit_account_id, 'amount', t.amount,
		'currency', t.currency, 'memo', t.memo,
		'metadata', transfer_metadata(t.metadata),
		'createdAt', job_time(t.created_at), 'createdBy', t.user_id,
		'reason', t.reason, 'expiresAt', job_time(t.expires_at),
		'settledAt', job_time(t.settled_at),
		'settledBy', t.settled_by, 'settledReason', t.settled_reason,
		'capturedAmount', t.captured_amount,
		'reversedAmount', t.reversed_amount, 'reverses', t.reverses,
		'provider', t.provider, 'reference', t.reference)
$$;

CREATE OR REPLACE FUNCTION transfer_emit(p_type text, t transfer, p_origin text)
RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
	IF EXISTS (SELECT FROM webhook_endpoint) THEN
		RETURN ledger_emit(p_type, transfer_event(t), p_origin);
	END IF;
	RETURN 0;
END
$$;

-- Returns a transfer as it was in the first response.
CREATE OR REPLACE FUNCTION transfer_as_made(p_id uuid) RETURNS transfer
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
	t transfer;
BEGIN
	SELECT * INTO t FROM transfer WHERE id = p_id;
	t.status := CASE WHEN t.expires_at IS NULL THEN 'posted' ELSE 'held' END;
	t.captured_amount := NULL;
	t.reversed_amount := 0;
	t.settled_at := NULL;
	t.settled_by := NULL;
	t.settled_reason := NULL;
	RETURN t;
END
$$;

-- Keys

-- Returns the first response for a key. The row of that key has prevented the
-- caller's INSERT.
CREATE FUNCTION ledger_replay(p_user text, p_key text, p_sha256 bytea)
RETURNS ledger_answer
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
	v_first idempotency;
	v ledger_answer;
BEGIN
	v.replayed := false;
	v.emitted := 0;
	SELECT * INTO v_first FROM idempotency
	WHERE user_id = p_user AND key = p_key;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'the key has just been forgotten'
			USING ERRCODE = 'serialization_failure';
	END IF;
	IF v_first.request_sha256 <> p_sha256 THEN
		v.code := 'IDEMPOTENCY_KEY_REUSED';
		RETURN v;
	END IF;
	v.replayed := true;
	v.transfer := transfer_as_made(v_first.transfer_id);
	RETURN v;
END
$$;
CREATE FUNCTION ledger_made_again(p_user text, p_key text, p_sha256 bytea)
RETURNS ledger_made
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
	a ledger_answer := ledger_replay(p_user, p_key, p_sha256);
	t transfer := a.transfer;
BEGIN
	RETURN (NULL, a.code, a.replayed, 0, t.id, t.currency, t.created_at,
		t.expires_at, t.metadata)::ledger_made;
END
$$;

-- Stores the keys of all items; before those, if p_key is not NULL, the key of
-- the whole batch. Returns in new_ids the ids of the items whose key is new,
-- and in is_new whether the key of the whole batch is new. If the same key of a
-- user occurs in two items, the first one gets it; the key of the whole batch
-- comes before all items.
CREATE FUNCTION ledger_take_keys(p_items ledger_item[], p_user text, p_key text,
	p_sha256 bytea, p_ids uuid[], OUT is_new boolean, OUT new_ids uuid[])
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
SET plan_cache_mode = force_generic_plan AS $$
BEGIN
	WITH taken AS (
		INSERT INTO idempotency (user_id, key, request_sha256,
			transfer_id, transfer_ids)
		SELECT user_id, key, sha256, id, ids
		FROM (SELECT p_user, p_key, p_sha256, NULL::uuid, p_ids, 0
			WHERE p_key IS NOT NULL
			UNION ALL
			SELECT user_id, key, sha256, id, NULL, n
			FROM unnest(p_items) WHERE key IS NOT NULL)
			AS k (user_id, key, sha256, id, ids, n)
		ORDER BY user_id COLLATE "C", key COLLATE "C", n
		ON CONFLICT DO NOTHING
		RETURNING transfer_id
	)
	SELECT count(*) > count(transfer_id),
		coalesce(array_agg(transfer_id) FILTER (
			WHERE transfer_id IS NOT NULL), '{}')
	INTO is_new, new_ids FROM taken;
END
$$;

-- Deletes the key of a refused request, so that the key can be used again: a
-- refusal is not stored.
CREATE FUNCTION ledger_free_key(p_user text, p_key text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
	DELETE FROM idempotency WHERE user_id = p_user AND key = p_key;
END
$$;

-- One transfer

-- Makes one transfer, as described for ledger_transfer() in 0008. The item has
-- the transfer's id; the caller stores and deletes its key.
CREATE FUNCTION ledger_make_one(i ledger_item) RETURNS ledger_made
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
	l record;
	d account;
	c account;
	t transfer;
	v ledger_made;
BEGIN
	-- The rows are locked in the order of the names after OF. (least()
	-- could not be used: it ignores NULL, and would find one account
	-- twice.)
	SELECT low, high, EXISTS (SELECT FROM webhook_endpoint) AS is_heard
	INTO l
	FROM account low, account high
	WHERE low.id = CASE WHEN i.debit < i.credit
			THEN i.debit ELSE i.credit END
		AND high.id = CASE WHEN i.debit < i.credit
			THEN i.credit ELSE i.debit END
	FOR NO KEY UPDATE OF low, high;
	d := CASE WHEN i.debit < i.credit THEN l.low ELSE l.high END;
	c := CASE WHEN i.debit < i.credit THEN l.high ELSE l.low END;

	v.replayed := false;
	v.emitted := 0;
	v.code := CASE
		WHEN i.debit = i.credit THEN 'SAME_ACCOUNT'
		WHEN d.id IS NULL THEN 'ACCOUNT_NOT_FOUND'
		WHEN i.is_operator IS NOT TRUE
			AND (d.user_id IS DISTINCT FROM i.user_id
			OR c.kind <> 'user') THEN 'ACCOUNT_NOT_FOUND'
		WHEN d.currency <> c.currency THEN 'CURRENCY_MISMATCH'
		WHEN d.frozen OR c.frozen THEN 'ACCOUNT_FROZEN'
		WHEN i.amount NOT BETWEEN 1 AND 9007199254740991
			OR i.hold_s IS NULL
				AND c.balance + i.amount > 9007199254740991
			OR i.hold_s IS NOT NULL
				AND d.held + i.amount > 9007199254740991
			OR d.balance - d.held - i.amount < -9007199254740991
			THEN 'AMOUNT_OUT_OF_RANGE'
		WHEN d.kind = 'user' AND d.balance - d.held < i.amount
			THEN 'INSUFFICIENT_FUNDS' END;
	IF v.code IS NOT NULL THEN
		RETURN v;
	END IF;

	v.id := i.id;
	v.created_at := clock_timestamp();
	v.expires_at := v.created_at + make_interval(secs => i.hold_s);
	v.currency := d.currency;
	INSERT INTO transfer (id, status, user_id, debit_account_id,
		credit_account_id, currency, amount, memo, metadata, created_at,
		expires_at)
	VALUES (v.id, CASE WHEN i.hold_s IS NULL THEN 'posted' ELSE 'held' END,
		i.user_id, i.debit, i.credit, v.currency, i.amount, i.memo,
		i.metadata, v.created_at, v.expires_at);
	IF l.is_heard THEN
		SELECT * INTO t FROM transfer WHERE id = v.id;
		v.emitted := transfer_emit('transfer.' || t.status, t, i.origin);
	END IF;
	RETURN v;
END
$$;

CREATE OR REPLACE FUNCTION ledger_transfer(p_user text, p_operator boolean,
	p_key text, p_sha256 bytea, p_debit uuid, p_credit uuid,
	p_amount bigint, p_memo text, p_metadata json, p_hold_s integer,
	p_keyless boolean DEFAULT false, p_origin text DEFAULT NULL)
RETURNS ledger_made
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
	v_id uuid := uuidv7();
	v ledger_made;
BEGIN
	IF NOT p_keyless THEN
		INSERT INTO idempotency (user_id, key, request_sha256,
			transfer_id)
		VALUES (p_user, p_key, p_sha256, v_id) ON CONFLICT DO NOTHING;
		IF NOT FOUND THEN
			RETURN ledger_made_again(p_user, p_key, p_sha256);
		END IF;
	END IF;
	v := ledger_make_one((1, v_id, p_user, p_operator, p_debit, p_credit,
		p_amount, p_memo, p_metadata, p_hold_s, p_key, p_sha256,
		p_origin)::ledger_item);
	IF v.code IS NOT NULL AND NOT p_keyless THEN
		PERFORM ledger_free_key(p_user, p_key);
	END IF;
	RETURN v;
END
$$;

-- Holds and reversals

-- Locks both accounts of a transfer and then the transfer.
CREATE OR REPLACE FUNCTION transfer_lock(p_id uuid) RETURNS transfer
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
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

CREATE OR REPLACE FUNCTION account_owner(p_id uuid) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
	SELECT user_id FROM account WHERE id = p_id
$$;

-- Checks whether p_amount of a locked transfer can be moved from p_from, where
-- p_held is held for it, to p_to. Returns a code, or NULL if it can. The
-- available amount of an account, also of a system account, must stay a number
-- that JSON represents exactly.
CREATE OR REPLACE FUNCTION ledger_check_move(p_from uuid, p_to uuid,
	p_amount bigint, p_held bigint) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
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
			OR d.balance - d.held + p_held - p_amount
				< -9007199254740991
			THEN 'AMOUNT_OUT_OF_RANGE'
		WHEN d.kind = 'user'
			AND d.balance - d.held + p_held < p_amount
			THEN 'INSUFFICIENT_FUNDS' END;
END
$$;

CREATE OR REPLACE FUNCTION ledger_check_hold(t transfer, p_user text,
	p_operator boolean) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
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
	p_sha256 bytea, p_id uuid, p_amount bigint, p_origin text,
	p_reason text) RETURNS ledger_answer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
	t transfer;
	v ledger_answer;
	v_amount bigint;
BEGIN
	INSERT INTO idempotency (user_id, key, request_sha256, transfer_id)
	VALUES (p_user, p_key, p_sha256, p_id) ON CONFLICT DO NOTHING;
	IF NOT FOUND THEN
		v := ledger_replay(p_user, p_key, p_sha256);
		IF v.replayed THEN
			-- After the capture of a transfer, only these columns
			-- can have changed since the first response.
			SELECT * INTO t FROM transfer WHERE id = p_id;
			t.status := 'captured';
			t.reversed_amount := 0;
			v.transfer := t;
		END IF;
		RETURN v;
	END IF;
	t := transfer_lock(p_id);
	v_amount := coalesce(p_amount, t.amount);
	v.replayed := false;
	v.emitted := 0;
	v.code := coalesce(ledger_check_hold(t, p_user, p_operator), CASE
		WHEN t.expires_at <= clock_timestamp() THEN 'HOLD_EXPIRED'
		WHEN v_amount > t.amount THEN 'CAPTURE_TOO_LARGE' END,
		ledger_check_move(t.debit_account_id, t.credit_account_id,
			v_amount, t.amount));
	IF v.code IS NOT NULL THEN
		PERFORM ledger_free_key(p_user, p_key);
		RETURN v;
	END IF;
	UPDATE transfer SET status = 'captured', captured_amount = v_amount,
		settled_at = clock_timestamp(), settled_by = p_user,
		settled_reason = p_reason
	WHERE id = p_id RETURNING * INTO t;
	v.emitted := transfer_emit('transfer.captured', t, p_origin);
	v.transfer := t;
	RETURN v;
END
$$;

-- Releases a hold. A repeated request changes nothing and returns the same
-- result.
CREATE FUNCTION ledger_release(p_user text, p_operator boolean, p_id uuid,
	p_origin text, p_reason text) RETURNS ledger_answer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
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
		UPDATE transfer SET status = 'released',
			settled_at = clock_timestamp(), settled_by = p_user,
			settled_reason = p_reason
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
	p_id uuid, p_amount bigint, p_memo text, p_origin text, p_reason text,
	OUT answer ledger_answer, OUT original transfer)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
	t transfer;
	r transfer;
	v_left bigint;
	v_amount bigint;
	v_id uuid := uuidv7();
BEGIN
	INSERT INTO idempotency (user_id, key, request_sha256, transfer_id)
	VALUES (p_user, p_key, p_sha256, v_id) ON CONFLICT DO NOTHING;
	IF NOT FOUND THEN
		answer := ledger_replay(p_user, p_key, p_sha256);
		IF answer.replayed THEN
			SELECT * INTO t FROM transfer WHERE id = p_id;
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
	t := transfer_lock(p_id);
	v_left := coalesce(t.captured_amount, t.amount) - t.reversed_amount;
	v_amount := coalesce(p_amount, v_left);
	answer.replayed := false;
	answer.emitted := 0;
	answer.code := coalesce(CASE
		WHEN t.id IS NULL THEN 'TRANSFER_NOT_FOUND'
		WHEN t.status = 'reversed' THEN 'ALREADY_REVERSED'
		WHEN t.kind = 'reversal'
			OR t.status NOT IN ('posted', 'captured')
			THEN 'NOT_REVERSIBLE'
		WHEN v_amount > v_left THEN 'REVERSAL_TOO_LARGE' END,
		ledger_check_move(t.credit_account_id, t.debit_account_id,
			v_amount, 0));
	IF answer.code IS NOT NULL THEN
		PERFORM ledger_free_key(p_user, p_key);
		RETURN;
	END IF;
	UPDATE idempotency SET reversed_amount = t.reversed_amount + v_amount
	WHERE user_id = p_user AND key = p_key;
	INSERT INTO transfer (id, kind, user_id, debit_account_id,
		credit_account_id, currency, amount, memo, created_at, reverses,
		reason)
	VALUES (v_id, 'reversal', p_user, t.credit_account_id,
		t.debit_account_id, t.currency, v_amount, p_memo,
		clock_timestamp(), p_id, p_reason)
	RETURNING * INTO r;
	SELECT * INTO original FROM transfer WHERE id = p_id;
	answer.emitted := transfer_emit('transfer.posted', r, p_origin)
		+ transfer_emit('transfer.reversed', original, p_origin);
	answer.transfer := r;
END
$$;

-- Deposits and withdrawals

CREATE OR REPLACE FUNCTION account_external(p_currency text) RETURNS uuid
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
	v_name text := 'external:' || p_currency;
	v_id uuid;
BEGIN
	LOOP
		SELECT id INTO v_id FROM account
		WHERE kind = 'system' AND name = v_name;
		EXIT WHEN FOUND;
		-- The two accounts are always inserted in this order, and
		-- before any account is locked.
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
	p_origin text, p_reason text) RETURNS ledger_answer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
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
			provider, reference, reason)
		VALUES (v_id, p_kind, p_user, v_debit, v_credit, a.currency,
			p_amount, p_memo, clock_timestamp(), p_provider,
			p_reference, p_reason)
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
	IF (t.kind, t.debit_account_id, t.credit_account_id, t.amount, t.memo,
		t.reason) IS DISTINCT FROM (p_kind, v_debit, v_credit, p_amount,
		p_memo, p_reason) THEN
		v.code := 'REFERENCE_REUSED';
	ELSE
		v.replayed := true;
		v.transfer := t;
	END IF;
	RETURN v;
END
$$;

-- The previous release calls ledger_capture() with these parameters, without a
-- reason.

CREATE OR REPLACE FUNCTION ledger_capture(p_user text, p_operator boolean,
	p_key text, p_sha256 bytea, p_id uuid, p_amount bigint,
	p_origin text DEFAULT NULL) RETURNS ledger_answer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
	RETURN ledger_capture(p_user, p_operator, p_key, p_sha256, p_id,
		p_amount, p_origin, NULL);
END
$$;
CREATE OR REPLACE FUNCTION ledger_release(p_user text, p_operator boolean,
	p_id uuid, p_origin text DEFAULT NULL) RETURNS ledger_answer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
	RETURN ledger_release(p_user, p_operator, p_id, p_origin, NULL);
END
$$;
CREATE OR REPLACE FUNCTION ledger_reverse(p_user text, p_key text,
	p_sha256 bytea, p_id uuid, p_amount bigint, p_memo text,
	p_origin text DEFAULT NULL,
	OUT answer ledger_answer, OUT original transfer)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
	v record;
BEGIN
	v := ledger_reverse(p_user, p_key, p_sha256, p_id, p_amount, p_memo,
		p_origin, NULL);
	answer := v.answer;
	original := v.original;
END
$$;
CREATE OR REPLACE FUNCTION ledger_external(p_user text, p_kind text,
	p_account uuid, p_amount bigint, p_provider text, p_reference text,
	p_memo text, p_origin text DEFAULT NULL) RETURNS ledger_answer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
	RETURN ledger_external(p_user, p_kind, p_account, p_amount, p_provider,
		p_reference, p_memo, p_origin, NULL);
END
$$;

-- Many transfers in one statement
--
-- The member n of an item is its position, from 1. Arrays of items, and arrays
-- that are computed from them, are sorted by n.

-- The function's body is parsed when the function is created, not when it is
-- called, so it needs no search path.
CREATE OR REPLACE FUNCTION ledger_id(p_ticks bigint, p_tail bytea) RETURNS uuid
LANGUAGE sql IMMUTABLE
RETURN encode(int8send((p_ticks >> 12 << 16) | 28672 | (p_ticks & 4095))
	|| p_tail, 'hex')::uuid;

CREATE OR REPLACE FUNCTION ledger_items(p_items json, p_user text,
	p_operator boolean, p_origin text DEFAULT NULL) RETURNS ledger_item[]
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
	v_ticks bigint := extract(epoch FROM clock_timestamp()) * 4096000;
	v_tail bytea := substr(uuid_send(gen_random_uuid()), 9);
BEGIN
	RETURN (SELECT array_agg((n, ledger_id(v_ticks + n, v_tail),
		coalesce(u, p_user), coalesce(o, p_operator, false), d, c, a, m,
		x, h, k, decode(s, 'hex'), coalesce(r, p_origin))::ledger_item
		ORDER BY n)
	FROM ROWS FROM (json_to_recordset(p_items) AS (d uuid, c uuid, a bigint,
		m text, x json, h integer, k text, s text, u text, o boolean,
		r text)) WITH ORDINALITY AS i (d, c, a, m, x, h, k, s, u, o, r, n));
END
$$;

CREATE OR REPLACE FUNCTION ledger_items(p_user text, p_operator boolean,
	p_origin text, p_debits uuid[], p_credits uuid[], p_amounts bigint[],
	p_memos text[], p_metadata json[], p_holds_s integer[], p_keys text[],
	p_sha256s bytea[]) RETURNS ledger_item[]
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
	v_ticks bigint := extract(epoch FROM clock_timestamp()) * 4096000;
	v_tail bytea := substr(uuid_send(gen_random_uuid()), 9);
BEGIN
	RETURN (SELECT array_agg((n, ledger_id(v_ticks + n, v_tail), p_user,
		coalesce(p_operator, false), d, c, a, m, x, h, k, s,
		p_origin)::ledger_item ORDER BY n)
	FROM unnest(p_debits, p_credits, p_amounts, p_memos, p_metadata,
		p_holds_s, p_keys, p_sha256s)
		WITH ORDINALITY AS i (d, c, a, m, x, h, k, s, n));
END
$$;

-- Locks the accounts of all items, in the order of their ids.
CREATE OR REPLACE FUNCTION ledger_lock(p_items ledger_item[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
SET plan_cache_mode = force_generic_plan AS $$
BEGIN
	PERFORM FROM account WHERE id = ANY(ARRAY(
		SELECT debit FROM unnest(p_items)
		UNION ALL SELECT credit FROM unnest(p_items)))
	ORDER BY id FOR NO KEY UPDATE;
END
$$;

CREATE OR REPLACE FUNCTION ledger_codes(p_items ledger_item[]) RETURNS text[]
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
SET plan_cache_mode = force_generic_plan AS $$
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

-- Makes the items one by one, in the order of n. This function finds out which
-- items are refused, or were made by an earlier request. p_new_ids has the ids
-- of the items whose keys the caller has stored. If one item of an atomic batch
-- is refused, nothing is done, only that refusal is returned, and the caller
-- deletes the keys.
CREATE FUNCTION ledger_make_each(p_items ledger_item[], p_atomic boolean,
	p_new_ids uuid[]) RETURNS ledger_made[]
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
	r record;
	v ledger_made;
	v_made ledger_made[] := '{}';
BEGIN
	PERFORM ledger_lock(p_items);
	FOR r IN SELECT i, i.key IS NULL OR t.id IS NOT NULL AS is_new
		FROM unnest(p_items) i LEFT JOIN unnest(p_new_ids) t (id)
			ON t.id = i.id
		ORDER BY i.n
	LOOP
		v := CASE WHEN r.is_new THEN ledger_make_one(r.i)
			ELSE ledger_made_again((r.i).user_id, (r.i).key,
				(r.i).sha256) END;
		v.item := (r.i).n;
		IF p_atomic AND v.code IS NOT NULL THEN
			-- undoes what the function has done
			RAISE EXCEPTION SQLSTATE 'KB001';
		END IF;
		IF v.code IS NOT NULL AND r.is_new AND (r.i).key IS NOT NULL THEN
			PERFORM ledger_free_key((r.i).user_id, (r.i).key);
		END IF;
		v_made := v_made || v;
	END LOOP;
	RETURN v_made;
EXCEPTION WHEN SQLSTATE 'KB001' THEN
	RETURN ARRAY[v];
END
$$;

-- Makes all items by one INSERT, if nothing prevents it: see 0011. p_new_ids has
-- the ids of the items whose keys the caller has just stored. Only a batch with
-- holds locks the accounts before the INSERT: the time of a hold begins when its
-- accounts are locked, not while the statement waits for them.
CREATE FUNCTION ledger_make(p_items ledger_item[], p_atomic boolean,
	p_new_ids uuid[]) RETURNS ledger_made[]
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
	v_currencies text[];
	v_payable integer; -- number of items from accounts that the user may debit
	v_keys integer;
	v_holds integer;
	v_codes text[]; -- why each item cannot succeed; NULL: that is not known yet
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
	IF v_keys > 0 AND (cardinality(p_new_ids) < v_keys OR EXISTS (
		SELECT FROM unnest(ledger_codes(p_items)) c
		WHERE c IS NOT NULL)) THEN
		RETURN ledger_make_each(p_items, p_atomic, p_new_ids);
	END IF;

	LOOP
		BEGIN
			IF v_codes IS NULL AND v_payable < cardinality(p_items) THEN
				RAISE EXCEPTION SQLSTATE 'KB002';
			END IF;
			IF v_holds > 0 THEN
				PERFORM ledger_lock(p_items);
			END IF;
			v_now := clock_timestamp();
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
			RETURN ledger_make_each(p_items, p_atomic, p_new_ids);
		END IF;
		v_codes := ledger_codes(p_items);
		IF NOT EXISTS (SELECT FROM unnest(v_codes) c WHERE c IS NOT NULL) THEN
			RETURN ledger_make_each(p_items, p_atomic, p_new_ids);
		END IF;
	END LOOP;

	SELECT array_agg((n, v_codes[n], false, 0,
		CASE WHEN v_codes[n] IS NULL THEN id END, v_currencies[n], v_now,
		v_now + make_interval(secs => hold_s), NULL)::ledger_made
		ORDER BY n)
	INTO v_made FROM unnest(p_items);
	IF EXISTS (SELECT FROM webhook_endpoint) THEN
		FOR v_row IN SELECT i.n, i.origin, t FROM unnest(p_items) i
			JOIN transfer t USING (id)
			WHERE v_codes[i.n] IS NULL ORDER BY i.n
		LOOP
			v_made[v_row.n].emitted := transfer_emit(
				'transfer.' || (v_row.t).status, v_row.t,
				v_row.origin);
		END LOOP;
	END IF;
	RETURN v_made;
END
$$;

-- Makes the transfers of several users, each independently and with a key; no
-- key occurs twice. Each row has the number of its item. Returns no row if a
-- lock was not available in time; the caller then makes each transfer by a
-- statement of its own, which may wait longer for the lock. The wait for a key
-- is very short, because only another request with the same key can have locked
-- it.
CREATE OR REPLACE FUNCTION ledger_transfers(p_items json)
RETURNS SETOF ledger_made
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
SET lock_timeout = '20ms' AS $$
DECLARE
	v_items ledger_item[] := ledger_items(p_items, NULL, false);
	v_new_ids uuid[];
BEGIN
	v_new_ids := (ledger_take_keys(v_items, NULL, NULL, NULL, NULL)).new_ids;
	PERFORM set_config('lock_timeout', '200ms', true);
	RETURN QUERY SELECT * FROM unnest(ledger_make(v_items, false, v_new_ids));
EXCEPTION WHEN lock_not_available THEN
	RETURN;
END
$$;

-- Makes a batch of one user: all items or none (atomic), or each independently.
-- The keys of items are in the same key space as the keys of single transfers.
-- Returns a row with item 0 about the whole batch, then one row for each item.
-- In the row with item 0, `replayed` is true if an earlier request made the
-- batch, and `code` is set if the key was used for another request; then no
-- other row follows. If an atomic batch is refused, only the refused item's row
-- is returned, without the row with item 0.
CREATE OR REPLACE FUNCTION ledger_batch(p_user text, p_operator boolean, p_key text,
	p_sha256 bytea, p_atomic boolean, p_origin text, p_debits uuid[],
	p_credits uuid[], p_amounts bigint[], p_memos text[], p_metadata json[],
	p_holds_s integer[], p_keys text[], p_sha256s bytea[])
RETURNS SETOF ledger_made
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
	v_items ledger_item[] := ledger_items(p_user, p_operator, p_origin,
		p_debits, p_credits, p_amounts, p_memos, p_metadata, p_holds_s,
		p_keys, p_sha256s);
	-- The ids of the transfers if all items are made in one step. They are
	-- stored with the key in advance, so that the key's row is written only
	-- once.
	v_ids uuid[] := ARRAY(SELECT id FROM unnest(v_items) ORDER BY n);
	v_taken record;
	v_first idempotency;
	v_made ledger_made[];
	v ledger_made;
BEGIN
	IF p_key IS NULL THEN
		RAISE EXCEPTION 'a batch has a key'
			USING ERRCODE = 'not_null_violation';
	END IF;
	v_taken := ledger_take_keys(v_items, p_user, p_key, p_sha256, v_ids);
	v.item := 0;
	v.replayed := NOT v_taken.is_new;
	IF v.replayed THEN
		-- The keys of items that were refused by the first request were
		-- deleted.
		DELETE FROM idempotency
		WHERE user_id = p_user AND key = ANY(p_keys)
			AND transfer_id = ANY(v_taken.new_ids);
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

	v_made := ledger_make(v_items, p_atomic, v_taken.new_ids);
	IF p_atomic AND v_made[1].code IS NOT NULL THEN
		PERFORM ledger_free_key(p_user, p_key);
		DELETE FROM idempotency
		WHERE user_id = p_user AND key = ANY(p_keys)
			AND transfer_id = ANY(v_taken.new_ids);
		RETURN NEXT v_made[1];
		RETURN;
	END IF;
	IF v_ids <> ARRAY(SELECT id FROM unnest(v_made) ORDER BY item) THEN
		UPDATE idempotency SET (transfer_ids, codes) = (
			SELECT array_agg(id ORDER BY item),
				array_agg(code ORDER BY item)
			FROM unnest(v_made))
		WHERE user_id = p_user AND key = p_key;
	END IF;
	RETURN NEXT v;
	RETURN QUERY SELECT * FROM unnest(v_made);
END
$$;

-- The previous release calls ledger_batch() with these parameters.
CREATE OR REPLACE FUNCTION ledger_batch(p_user text, p_operator boolean,
	p_key text, p_sha256 bytea, p_atomic boolean, p_items json,
	p_origin text DEFAULT NULL) RETURNS SETOF ledger_made
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
	RETURN QUERY SELECT made.* FROM (
		SELECT array_agg(d ORDER BY n) AS d, array_agg(c ORDER BY n) AS c,
			array_agg(a ORDER BY n) AS a, array_agg(m ORDER BY n) AS m,
			array_agg(x ORDER BY n) AS x, array_agg(h ORDER BY n) AS h,
			array_agg(k ORDER BY n) AS k,
			array_agg(decode(s, 'hex') ORDER BY n) AS s
		FROM ROWS FROM (json_to_recordset(p_items) AS (d uuid, c uuid,
			a bigint, m text, x json, h integer, k text, s text))
			WITH ORDINALITY AS i (d, c, a, m, x, h, k, s, n)
	) i, LATERAL ledger_batch(p_user, p_operator, p_key, p_sha256, p_atomic,
		p_origin, d, c, a, m, x, h, k, s) made;
END
$$;

-- These functions are not called any more.
DROP FUNCTION ledger_make(ledger_item[], boolean);
DROP FUNCTION ledger_make_each(ledger_item[], boolean);
DROP FUNCTION ledger_made_again(text, text, bytea, text);
DROP FUNCTION ledger_replay(text, text, bytea, text);

-- Scheduled jobs

-- Deletes idempotency keys that were first used more than p_days days ago, in
-- p_pages pages of their table beginning with page p_from. Returns their
-- number, and the page at which to continue (NULL: the end was reached). A key
-- that another transaction has locked is left for the next run: so the job that
-- deletes keys never waits, and a request that wants one of the keys waits for
-- one call at most.
CREATE FUNCTION ledger_forget_keys(p_days integer, p_from bigint, p_pages integer,
	OUT forgotten bigint, OUT next_page bigint)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
	v_end bigint := pg_relation_size('public.idempotency')
		/ current_setting('block_size')::bigint;
	v_next bigint := p_from + p_pages;
BEGIN
	DELETE FROM idempotency WHERE ctid = ANY(ARRAY(
		SELECT ctid FROM idempotency
		WHERE ctid >= format('(%s,0)', p_from)::tid
			AND ctid < format('(%s,0)', least(v_next, v_end))::tid
			AND created_at < now()
				- make_interval(days => greatest(p_days, 1))
		FOR UPDATE SKIP LOCKED));
	GET DIAGNOSTICS forgotten = ROW_COUNT;
	next_page := CASE WHEN v_next < v_end THEN v_next END;
END
$$;
-- Deletes all of these keys in one transaction, for the previous release.
CREATE OR REPLACE FUNCTION ledger_forget_keys(p_days integer) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
	v_next bigint := 0;
	v_forgotten bigint;
	v_count bigint := 0;
BEGIN
	WHILE v_next IS NOT NULL LOOP
		SELECT forgotten, next_page INTO v_forgotten, v_next
		FROM ledger_forget_keys(p_days, v_next, 1000);
		v_count := v_count + v_forgotten;
	END LOOP;
	RETURN v_count;
END
$$;

CREATE OR REPLACE FUNCTION entry_last_before(p_account uuid, p_at timestamptz)
RETURNS bigint
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
	SELECT coalesce((SELECT seq FROM entry
		WHERE account_id = p_account AND created_at < p_at
		ORDER BY seq DESC LIMIT 1), 0)
$$;

-- As in 0010, but writes statements in the order of the accounts, so that two
-- concurrent calls wait for each other and do not deadlock.
CREATE OR REPLACE FUNCTION ledger_write_statements(p_month date) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
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
	ORDER BY a.id
	ON CONFLICT DO NOTHING;
	GET DIAGNOSTICS v_count = ROW_COUNT;
	RETURN v_count;
END
$$;

DO $$
DECLARE
	v_function regprocedure;
	v_is_door boolean;
BEGIN
	FOR v_function, v_is_door IN
		SELECT oid, prosecdef AND proname ~ '^ledger_' FROM pg_proc
		WHERE pronamespace = 'public'::regnamespace
			AND proname ~ '^(ledger|transfer|account|entry)_'
			AND proname <> 'entry_seq_at'
	LOOP
		EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC',
			v_function);
		IF v_is_door THEN
			EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO wallet',
				v_function);
		END IF;
	END LOOP;
END
$$;
