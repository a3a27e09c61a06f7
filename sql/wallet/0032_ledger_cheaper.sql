-- Makes transfers with less of the database server's time. The functions have
-- the same effect as before (0013).
--
-- What a short statement costs is mostly the preparation of its plan's nodes and
-- expressions, so the usual case has statements of its own, with as few of both
-- as possible: a transfer that is not a hold, made by one statement together
-- with others whose accounts all differ. Whatever is not the usual case, or is
-- refused, is made as before.

-- Entries of a transfer

-- As in 0013, but if nothing is held and no account occurs twice, the sums of
-- each account's changes need not be computed step by step. Then the CHECKs of
-- account refuse what is not covered, and the UPDATE leaves out frozen accounts.
-- Both UPDATEs lock accounts in the order of their ids, as 0007 describes.
CREATE OR REPLACE FUNCTION transfer_apply() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
SET enable_hashjoin = off SET enable_mergejoin = off
SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
	v_sound boolean;
	v_reversals bigint;
	v_holds bigint;
	v_accounts uuid[]; -- both accounts of each transfer
	v_entries bigint;
	v_found boolean;
	v_thawed boolean;
	v_covered boolean := true;
	v_made transfer;
BEGIN
	SELECT bool_and(amount BETWEEN 1 AND 9007199254740991
		AND debit_account_id <> credit_account_id
		AND status IN ('posted', 'held')
		AND (status = 'held') = (expires_at IS NOT NULL)
		AND kind IN ('transfer', 'deposit', 'withdrawal', 'reversal')
		AND (kind = 'reversal') = (reverses IS NOT NULL)
		AND (metadata IS NULL OR metadata::jsonb IS NOT NULL)
		AND captured_amount IS NULL AND reversed_amount = 0
		AND settled_at IS NULL AND settled_by IS NULL
		AND settled_reason IS NULL),
		count(reverses), count(expires_at),
		array_agg(ARRAY[debit_account_id, credit_account_id])
	INTO v_sound, v_reversals, v_holds, v_accounts FROM made;
	IF v_accounts IS NULL THEN
		RETURN NULL; -- no transfer was inserted
	END IF;
	IF NOT v_sound THEN
		RAISE EXCEPTION 'no transfer begins like this'
			USING ERRCODE = 'check_violation';
	END IF;

	IF v_holds = 0 AND (cardinality(v_accounts) = 2
		OR cardinality(v_accounts) = (
			SELECT count(DISTINCT id) FROM unnest(v_accounts) a (id))) THEN
		WITH moved AS (
			UPDATE account a SET balance = a.balance + l.move,
				version = a.version + 1
			FROM (SELECT id, debit_account_id AS account_id,
					currency, -amount AS move, 13 AS letter
				FROM made
				UNION ALL
				SELECT id, credit_account_id, currency, amount, 12
				FROM made
				ORDER BY account_id) AS l
			WHERE a.id = l.account_id AND a.currency = l.currency
				AND NOT a.frozen
			RETURNING l.id, l.account_id, l.currency, l.move,
				l.letter, a.balance, a.version
		)
		INSERT INTO entry (id, transfer_id, account_id, seq, currency,
			amount, balance_after, created_at)
		SELECT encode(set_byte(uuid_send(id), 15,
				get_byte(uuid_send(id), 15) & 240 | letter),
				'hex')::uuid,
			id, account_id, version, currency, move, balance,
			clock_timestamp()
		FROM moved;
		GET DIAGNOSTICS v_entries = ROW_COUNT;
		v_found := v_entries = cardinality(v_accounts);
		v_thawed := v_found OR NOT EXISTS (SELECT FROM account
			WHERE id = ANY(v_accounts) AND frozen);
		-- A frozen account is the reason that is reported if there are
		-- several.
		v_found := v_found OR NOT v_thawed;
	ELSE
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
	END IF;
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

	IF v_reversals > 0 THEN
		FOR v_made IN SELECT * FROM made WHERE reverses IS NOT NULL
			ORDER BY id
		LOOP
			PERFORM transfer_reverse(v_made.reverses, v_made);
		END LOOP;
	END IF;
	RETURN NULL;
END
$$;

-- These triggers' functions do nothing in most cases. A condition is cheaper
-- than a call of a function with a search path.
DROP TRIGGER account_moved ON account;
CREATE TRIGGER account_moved BEFORE UPDATE OF balance, held, version ON account
	FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0)
	EXECUTE FUNCTION account_moved();
DROP TRIGGER transfer_durable ON transfer;
CREATE TRIGGER transfer_durable BEFORE INSERT OR UPDATE ON transfer
	FOR EACH STATEMENT WHEN (current_setting('synchronous_commit') <> 'on')
	EXECUTE FUNCTION ledger_durable();

-- One transfer

-- As in 0013, but what can be made is usually made by one INSERT: it makes no
-- transfer if something that it reads prevents it, and its trigger refuses it if
-- something prevents it by then. In both cases ledger_make_one() finds out what
-- it is. The accounts of a hold are locked first, because its time begins then.
CREATE OR REPLACE FUNCTION ledger_transfer(p_user text, p_operator boolean,
	p_key text, p_sha256 bytea, p_debit uuid, p_credit uuid,
	p_amount bigint, p_memo text, p_metadata json, p_hold_s integer,
	p_keyless boolean DEFAULT false, p_origin text DEFAULT NULL)
RETURNS ledger_made
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
	v_id uuid := uuidv7();
	v_currency text;
	v_now timestamptz;
	v_emitted integer := 0;
	t transfer;
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
	IF p_hold_s IS NULL THEN
		BEGIN
			v_now := clock_timestamp();
			INSERT INTO transfer (id, user_id, debit_account_id,
				credit_account_id, currency, amount, memo,
				metadata, created_at)
			SELECT v_id, p_user, p_debit, p_credit, d.currency,
				p_amount, p_memo, p_metadata, v_now
			FROM account d, account c
			WHERE d.id = p_debit AND c.id = p_credit
				AND p_debit <> p_credit
				AND d.currency = c.currency
				AND NOT d.frozen AND NOT c.frozen
				AND (p_operator OR d.user_id = p_user
					AND c.kind = 'user')
				AND d.balance - d.held - p_amount >= d.least
			RETURNING currency INTO v_currency;
		EXCEPTION WHEN check_violation OR foreign_key_violation
			OR not_null_violation OR numeric_value_out_of_range THEN
			v_currency := NULL;
		END;
	END IF;
	IF v_currency IS NULL THEN
		v := ledger_make_one((1, v_id, p_user, p_operator, p_debit,
			p_credit, p_amount, p_memo, p_metadata, p_hold_s, p_key,
			p_sha256, p_origin)::ledger_item);
		IF v.code IS NOT NULL AND NOT p_keyless THEN
			PERFORM ledger_free_key(p_user, p_key);
		END IF;
		RETURN v;
	END IF;

	IF EXISTS (SELECT FROM webhook_endpoint) THEN
		SELECT * INTO t FROM transfer WHERE id = v_id;
		v_emitted := transfer_emit('transfer.posted', t, p_origin);
	END IF;
	RETURN (NULL, NULL, false, v_emitted, v_id, v_currency, v_now, NULL,
		NULL)::ledger_made;
END
$$;

-- Many transfers in one statement

-- As in 0013, but if each item can be made, as far as can be seen without
-- waiting for a lock, one statement stores all keys, when all of them are new,
-- and makes all transfers. Otherwise it writes nothing, or is undone.
CREATE OR REPLACE FUNCTION ledger_transfers(p_items json)
RETURNS SETOF ledger_made
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
SET lock_timeout = '20ms' SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
DECLARE
	v_now timestamptz := clock_timestamp();
	v_ticks bigint := extract(epoch FROM v_now) * 4096000;
	v_tail bytea := substr(uuid_send(gen_random_uuid()), 9);
	v_items ledger_item[];
	v_new_ids uuid[];
	v_made ledger_made[];
	v_refused boolean := false;
	v_row record;
BEGIN
	BEGIN
		WITH item AS MATERIALIZED (
			SELECT n, ledger_id(v_ticks + n, v_tail) AS id, u, d, c,
				a, m, x, k, s, debit.currency,
				(o OR debit.user_id = u AND credit.kind = 'user')
					AND d <> c
					AND debit.currency = credit.currency
					AND NOT debit.frozen AND NOT credit.frozen
					AND debit.balance - debit.held - a
						>= debit.least
					AND h IS NULL AS fits
			FROM ROWS FROM (json_to_recordset(p_items) AS (d uuid,
				c uuid, a bigint, m text, x json, h integer,
				k text, s text, u text, o boolean))
				WITH ORDINALITY AS i (d, c, a, m, x, h, k, s, u,
					o, n)
				LEFT JOIN account debit ON debit.id = d
				LEFT JOIN account credit ON credit.id = c
		), taken AS (
			INSERT INTO idempotency (user_id, key, request_sha256,
				transfer_id)
			SELECT u, k, decode(s, 'hex'), id FROM item
			WHERE (SELECT bool_and(fits IS TRUE) FROM item)
			ORDER BY u COLLATE "C", k COLLATE "C"
			ON CONFLICT DO NOTHING
			RETURNING 1
		), made AS (
			INSERT INTO transfer (id, user_id, debit_account_id,
				credit_account_id, currency, amount, memo,
				metadata, created_at)
			SELECT id, u, d, c, currency, a, m, x, v_now
			-- From here on the statement waits longer: not for keys
			-- any more, but for accounts.
			FROM (SELECT set_config('lock_timeout', '200ms', true)
				WHERE (SELECT count(*) FROM taken)
					= (SELECT count(*) FROM item)) AS all_taken,
				item
			RETURNING 1
		)
		SELECT array_agg((n, NULL, false, 0, id, currency, v_now, NULL,
			NULL)::ledger_made ORDER BY n)
		INTO v_made FROM item
		WHERE (SELECT count(*) FROM made) > 0;
		IF v_made IS NULL THEN
			RAISE EXCEPTION SQLSTATE 'KB002';
		END IF;
	EXCEPTION WHEN lock_not_available THEN
		RETURN;
	WHEN check_violation OR foreign_key_violation OR not_null_violation
		OR numeric_value_out_of_range THEN
		v_refused := true;
	WHEN SQLSTATE 'KB002' THEN
		NULL;
	END;

	IF v_made IS NULL OR v_refused THEN
		-- Undoing the block has also set lock_timeout back.
		v_items := ledger_items(p_items, NULL, false);
		BEGIN
			v_new_ids := (ledger_take_keys(v_items, NULL, NULL, NULL,
				NULL)).new_ids;
			PERFORM set_config('lock_timeout', '200ms', true);
			v_made := CASE WHEN v_refused
				THEN ledger_make_each(v_items, false, v_new_ids)
				ELSE ledger_make(v_items, false, v_new_ids) END;
		EXCEPTION WHEN lock_not_available THEN
			RETURN;
		END;
	ELSIF EXISTS (SELECT FROM webhook_endpoint) THEN
		FOR v_row IN SELECT m.item, t FROM unnest(v_made) m
			JOIN transfer t USING (id) ORDER BY m.item
		LOOP
			v_made[v_row.item].emitted := transfer_emit(
				'transfer.posted', v_row.t,
				p_items -> (v_row.item - 1) ->> 'r');
		END LOOP;
	END IF;
	RETURN QUERY SELECT * FROM unnest(v_made);
END
$$;
