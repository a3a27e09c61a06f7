-- The ledger: the functions that move money, and the rules that the tables
-- enforce.
--
-- Money moves only when a row of transfer is inserted. The triggers of that
-- table insert the transfer's two entries and change the balances and the held
-- amounts, so that entries and balances agree; nothing else may write them. The
-- functions of later files decide who may do what. They run as the owner; the
-- application may call these functions but write none of these tables.
--
-- Each check is made where it costs least (services/wallet/README.md): a
-- table's CHECK and a trigger's WHEN are parsed again by each statement, and a
-- foreign key is checked by a query.
-- kedge: formerly f65b56af2081fa883286f5668bb5344b8223d3eac7f6112682ea59c50b39c5d2

-- This version of uuidv7() is a single expression, so that it becomes part of a
-- statement's plan; the version of 0001 was planned again by each statement
-- that used it. The layout of an id is the same: the milliseconds, the version,
-- 12 bits for the fraction of the millisecond, and random bits.
DO $install$
BEGIN
	IF to_regprocedure('pg_catalog.uuidv7()') IS NOT NULL THEN
		RETURN;
	END IF;
	CREATE OR REPLACE FUNCTION uuidv7() RETURNS uuid
	LANGUAGE sql VOLATILE PARALLEL SAFE
	AS $body$
		SELECT (overlay(lpad(to_hex((extract(epoch FROM clock_timestamp())
				* 4096000)::bigint), 15, '0') PLACING '7' FROM 13 FOR 0)
			|| right(gen_random_uuid()::text, 17))::uuid
	$body$;
END
$install$;

CREATE DOMAIN account_name AS text
	CHECK (char_length(VALUE) BETWEEN 1 AND 100);
CREATE DOMAIN unsigned_units AS bigint
	CHECK (VALUE BETWEEN 0 AND 9007199254740991);

-- The search_path of this database. Functions that run as the owner resolve
-- names in these schemas only; if a session has this search_path already,
-- calling such a function costs a third less.
DO $$
BEGIN
	EXECUTE format('ALTER DATABASE %I SET search_path = public, pg_temp',
		current_database());
EXCEPTION WHEN insufficient_privilege THEN
	NULL;
END
$$;

-- Accounts

ALTER TABLE account
	DROP CONSTRAINT account_kind_check,
	DROP CONSTRAINT account_name_check,
	DROP CONSTRAINT account_check,
	DROP CONSTRAINT account_held_check,
	DROP CONSTRAINT account_check1,
	ALTER name TYPE account_name,
	ALTER held TYPE unsigned_units,
	-- The lower limit of balance minus held; the trigger account_born sets
	-- it.
	ADD least bigint NOT NULL DEFAULT 0,
	ADD CONSTRAINT account_sound CHECK (balance - held >= least),
	-- Each entry changes the account's row, but no indexed column of it.
	SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);

-- Transfers

ALTER TABLE entry
	DROP CONSTRAINT entry_account_id_currency_fkey,
	DROP CONSTRAINT entry_transfer_id_fkey;
ALTER TABLE transfer
	DROP CONSTRAINT transfer_debit_account_id_currency_fkey,
	DROP CONSTRAINT transfer_credit_account_id_currency_fkey,
	DROP CONSTRAINT transfer_status_check,
	DROP CONSTRAINT transfer_amount_check,
	DROP CONSTRAINT transfer_check,
	ALTER amount TYPE bigint,
	ADD kind text NOT NULL DEFAULT 'transfer',
	-- The user who requested the transfer; NULL: no user did.
	ADD user_id text,
	ADD metadata json,
	-- These columns are for a hold only; reversed_amount is for all
	-- transfers.
	ADD expires_at timestamptz,
	ADD captured_amount bigint,
	ADD reversed_amount bigint NOT NULL DEFAULT 0,
	-- For a reversal: the id of the transfer that it reverses.
	ADD reverses uuid,
	-- For a deposit or withdrawal: the payment provider, and its id for it.
	ADD provider text,
	ADD reference text;
ALTER TABLE account DROP CONSTRAINT account_id_currency_key;
CREATE INDEX transfer_held ON transfer (expires_at) WHERE status = 'held';

-- The ids that payment providers have given to deposits and withdrawals.
CREATE TABLE external_reference (
	provider text NOT NULL,
	reference text NOT NULL,
	transfer_id uuid NOT NULL REFERENCES transfer (id),
	PRIMARY KEY (provider, reference)
);

-- Entries
--
-- The entries of an account are sorted by `seq`, which is the account's version
-- after the entry. So their order is the order in which the balance changed,
-- even if the clock was set back.

ALTER TABLE entry
	DROP CONSTRAINT entry_pkey,
	DROP CONSTRAINT entry_amount_check,
	ADD seq bigint NOT NULL,
	ADD PRIMARY KEY (account_id, seq);
DROP INDEX entry_account;
DROP INDEX entry_transfer;

-- Finds the position of a time in an account's entries, whose seq have no gaps:
-- returns the seq of an entry that was made at p_at or later, while the entry
-- before it was made earlier. It uses bisection, because an index by time would
-- cost each transfer two more index entries.
CREATE FUNCTION entry_seq_at(p_account uuid, p_at timestamptz) RETURNS bigint
LANGUAGE plpgsql STABLE STRICT AS $$
DECLARE
	v_low bigint := 1;
	v_high bigint := (SELECT version + 1 FROM account WHERE id = p_account);
	v_middle bigint;
BEGIN
	WHILE v_low < v_high LOOP
		v_middle := (v_low + v_high) / 2;
		IF (SELECT created_at < p_at FROM entry
			WHERE account_id = p_account AND seq = v_middle) THEN
			v_low := v_middle + 1;
		ELSE
			v_high := v_middle;
		END IF;
	END LOOP;
	RETURN v_low;
END
$$;

-- The responses to requests with an idempotency key: for a transfer only the
-- parts that cannot change, or for a batch its results, in the order of its
-- items. The nightly job that deletes old keys reads the whole table, which
-- costs less than an index.
CREATE TABLE idempotency (
	user_id text NOT NULL,
	key text NOT NULL,
	request_sha256 bytea NOT NULL,
	transfer_id uuid,
	-- for a reversal: how much of the original had been reversed after it
	reversed_amount bigint,
	-- for a batch: the id of each item's transfer; NULL: the item was
	-- refused
	transfer_ids uuid[],
	codes text[], -- for a batch: why each item was refused
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (user_id, key)
);
-- Ids can hardly be compressed, and trying to compress them takes time.
ALTER TABLE idempotency ALTER transfer_ids SET STORAGE EXTERNAL;

CREATE TABLE statement (
	account_id uuid NOT NULL REFERENCES account (id),
	month date NOT NULL CHECK (extract(day FROM month) = 1),
	currency text NOT NULL,
	opening minor_units NOT NULL,
	closing minor_units NOT NULL,
	credits numeric NOT NULL CHECK (credits >= 0), -- the sum of incoming amounts
	debits numeric NOT NULL CHECK (debits >= 0), -- the sum of outgoing amounts
	entries bigint NOT NULL,
	-- seq of the month's last entry; the next month begins after it
	last_seq bigint NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (account_id, month),
	CHECK (opening + credits - debits = closing)
);

-- Entries of a transfer

CREATE FUNCTION ledger_refuse_write() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION '% of % is not for anybody to do', TG_OP, TG_TABLE_NAME
		USING ERRCODE = 'insufficient_privilege';
END
$$;

-- Checks that a change of a transfer is allowed. The status may change from
-- held to captured, released or expired; and from posted or captured to
-- reversed, when as much was reversed as had moved. Nothing else of a transfer
-- ever changes.
CREATE FUNCTION transfer_check_change(o transfer, n transfer) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
	v_moved bigint := coalesce(n.captured_amount, n.amount);
BEGIN
	IF (n.id, n.kind, n.user_id, n.debit_account_id, n.credit_account_id,
		n.currency, n.amount, n.memo, n.metadata::text, n.created_at,
		n.expires_at, n.reverses, n.provider, n.reference)
		IS DISTINCT FROM (o.id, o.kind, o.user_id, o.debit_account_id,
		o.credit_account_id, o.currency, o.amount, o.memo,
		o.metadata::text, o.created_at, o.expires_at, o.reverses,
		o.provider, o.reference) THEN
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
		AND o.captured_amount IS NOT DISTINCT FROM n.captured_amount
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

CREATE FUNCTION transfer_reverse(p_id uuid, p_reversal transfer) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
	UPDATE transfer SET
		reversed_amount = reversed_amount + p_reversal.amount,
		status = CASE WHEN reversed_amount + p_reversal.amount
			= coalesce(captured_amount, amount)
			THEN 'reversed' ELSE status END
	WHERE id = p_id AND kind <> 'reversal'
		AND debit_account_id = p_reversal.credit_account_id
		AND credit_account_id = p_reversal.debit_account_id;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'transfer % does not reverse %', p_reversal.id,
			p_id USING ERRCODE = 'foreign_key_violation';
	END IF;
END
$$;

-- The sum of bigint values, as a bigint; it fails on overflow. The built-in
-- sum() returns a numeric, which cannot overflow but takes several times as
-- long.
CREATE AGGREGATE sum_units(bigint) (SFUNC = int8pl, STYPE = int8, INITCOND = '0');

-- Processes the new transfers of a statement in the order of their insertion,
-- all of them by one statement. Each account is updated once; each entry's
-- balance is computed from the balance before the statement and the transfers
-- so far. The function that inserted the transfers has checked the accounts
-- before, perhaps without a lock; here the accounts are locked, and a check
-- that does not hold any more fails.
--
-- Two concurrent statements do not deadlock, because each updates accounts in
-- the order of their ids in every possible plan: `step` is sorted, and so is
-- the only index of all accounts. (The CHECKs of the table see an account as it
-- was when the statement began. So a transfer may be refused that has just
-- become possible, but no transfer is accepted that has just become
-- impossible.)
CREATE FUNCTION transfer_apply() RETURNS trigger
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
		SELECT id, letter, account_id, currency, move,
			dense_rank() OVER (ORDER BY account_id, currency) AS place,
			sum_units(move) OVER so_far AS balance,
			sum_units(hold) OVER so_far AS held,
			count(nullif(move, 0)) OVER so_far AS seq,
			lead(n) OVER so_far IS NULL AS is_last
		FROM (SELECT row_number() OVER () AS n, * FROM made) AS m,
			LATERAL (VALUES
			('d', debit_account_id,
				CASE status WHEN 'posted' THEN -amount ELSE 0 END,
				CASE status WHEN 'held' THEN amount ELSE 0 END),
			('c', credit_account_id,
				CASE status WHEN 'posted' THEN amount ELSE 0 END, 0)
			) AS side (letter, account_id, move, hold)
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
		SELECT (left(id::text, 35) || letter)::uuid, id, account_id,
			was.seq[place] + step.seq, currency, move,
			was.balance[place] + step.balance, now
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
CREATE TRIGGER transfer_apply AFTER INSERT ON transfer
	REFERENCING NEW TABLE AS made
	FOR EACH STATEMENT EXECUTE FUNCTION transfer_apply();

-- Ends a hold: moves the amount that is captured, and releases the rest of the
-- held amount.
CREATE FUNCTION transfer_end_hold() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
	v_move bigint := coalesce(NEW.captured_amount, 0);
BEGIN
	PERFORM transfer_check_change(OLD, NEW);
	IF OLD.status <> 'held' THEN
		RETURN NULL;
	END IF;
	UPDATE account SET held = held - NEW.amount
	WHERE id = NEW.debit_account_id;
	IF v_move = 0 THEN
		RETURN NULL;
	END IF;
	WITH moved AS (
		UPDATE account SET version = version + 1,
			balance = balance + CASE id WHEN NEW.debit_account_id
				THEN -v_move ELSE v_move END
		WHERE id IN (NEW.debit_account_id, NEW.credit_account_id)
		RETURNING id, balance, version
	)
	INSERT INTO entry (id, transfer_id, account_id, seq, currency, amount,
		balance_after, created_at)
	SELECT (left(NEW.id::text, 35) || CASE id WHEN NEW.debit_account_id
			THEN 'd' ELSE 'c' END)::uuid,
		NEW.id, id, version, NEW.currency,
		CASE id WHEN NEW.debit_account_id THEN -v_move ELSE v_move END,
		balance, clock_timestamp()
	FROM moved;
	RETURN NULL;
END
$$;
CREATE TRIGGER transfer_end_hold AFTER UPDATE ON transfer
	FOR EACH ROW EXECUTE FUNCTION transfer_end_hold();
CREATE TRIGGER transfer_refuse BEFORE DELETE OR TRUNCATE ON transfer
	FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_write();

-- For entries that a person inserts by hand, without a transfer's trigger: the
-- rules of 0004 still apply. Such an entry changes the account's balance, and
-- the entries of a transfer must add up to zero at commit.
CREATE OR REPLACE FUNCTION entry_post() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
	UPDATE account
	SET balance = balance + NEW.amount, version = version + 1
	WHERE id = NEW.account_id AND currency = NEW.currency
	RETURNING balance, version INTO NEW.balance_after, NEW.seq;
	IF NOT FOUND OR NEW.amount = 0 OR NOT EXISTS (
		SELECT FROM transfer WHERE id = NEW.transfer_id
	) THEN
		RAISE EXCEPTION 'no account % in %, no transfer % or no amount',
			NEW.account_id, NEW.currency, NEW.transfer_id
			USING ERRCODE = 'foreign_key_violation';
	END IF;
	RETURN NEW;
END
$$;
DROP TRIGGER entry_post ON entry;
CREATE TRIGGER entry_post BEFORE INSERT ON entry
	FOR EACH ROW WHEN (pg_trigger_depth() = 0)
	EXECUTE FUNCTION entry_post();
DROP TRIGGER entry_check_zero ON entry;
CREATE CONSTRAINT TRIGGER entry_check_zero AFTER INSERT ON entry
	DEFERRABLE INITIALLY DEFERRED
	FOR EACH ROW WHEN (pg_trigger_depth() = 0)
	EXECUTE FUNCTION entry_check_zero();

-- Checks a new account: it must be empty, and belongs to a user or to the
-- system; only the balance of a system account may be below zero. After that,
-- only the functions above change its amounts.
CREATE FUNCTION account_born() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
	IF NEW.balance <> 0 OR NEW.held <> 0 THEN
		RAISE EXCEPTION 'an account begins empty'
			USING ERRCODE = 'insufficient_privilege';
	END IF;
	IF NEW.kind NOT IN ('user', 'system')
		OR (NEW.kind = 'user') <> (NEW.user_id IS NOT NULL) THEN
		RAISE EXCEPTION 'an account is of a user or of the system'
			USING ERRCODE = 'check_violation';
	END IF;
	NEW.least := CASE NEW.kind WHEN 'user' THEN 0
		ELSE -2 * 9007199254740991 END;
	RETURN NEW;
END
$$;
CREATE TRIGGER account_born BEFORE INSERT ON account
	FOR EACH ROW EXECUTE FUNCTION account_born();
CREATE FUNCTION account_moved() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
	-- the entry was not inserted by the trigger on transfer
	IF pg_trigger_depth() = 1 THEN
		RAISE EXCEPTION 'only transfers move what is on an account'
			USING ERRCODE = 'insufficient_privilege';
	END IF;
	RETURN NULL;
END
$$;
CREATE TRIGGER account_moved BEFORE UPDATE OF balance, held, version ON account
	FOR EACH STATEMENT EXECUTE FUNCTION account_moved();
CREATE TRIGGER account_fixed
	BEFORE UPDATE OF id, kind, user_id, currency, least, created_at ON account
	FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_write();
CREATE TRIGGER account_refuse BEFORE DELETE OR TRUNCATE ON account
	FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_write();

-- A currency's exponent must not change, because it is part of the meaning of
-- every amount that was ever stored.
CREATE TRIGGER currency_refuse BEFORE UPDATE OR DELETE OR TRUNCATE ON currency
	FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_write();

GRANT SELECT ON transfer, entry, statement TO wallet;
