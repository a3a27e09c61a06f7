-- Records the operator of each change, and takes rights from the application's
-- role.
--
-- Freezing, unfreezing and adding a currency are stored with the operator who
-- did it, the time and the reason, as transfers are since 0013.
-- kedge: formerly 213b465476d1223ff9a09a8e1b04d63205f66d4ba65bc415bde6ea07fe8e0e0f

-- The application's role may create wallets and accounts only by functions,
-- which enforce the limit of accounts and enqueue the webhooks.
REVOKE INSERT (user_id) ON wallet FROM wallet;
REVOKE INSERT (user_id, name, currency) ON account FROM wallet;

-- Accounts

-- The time, the operator and the reason of the last freeze or unfreeze of the
-- account.
ALTER TABLE account
	ADD freeze_changed_at timestamptz,
	ADD freeze_changed_by text,
	ADD freeze_reason text;
-- All freezes and unfreezes of accounts.
CREATE TABLE account_freeze (
	id uuid PRIMARY KEY DEFAULT uuidv7(),
	account_id uuid NOT NULL REFERENCES account (id),
	frozen boolean NOT NULL,
	-- NULL: the previous release, which passes no user, made the change
	user_id text,
	reason text,
	created_at timestamptz NOT NULL
);
CREATE INDEX account_freeze_account ON account_freeze (account_id, id);
CREATE TRIGGER account_freeze_refuse BEFORE UPDATE OR DELETE OR TRUNCATE
	ON account_freeze
	FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_write();

-- Sets the limits of a new account. The available amount of an account, also of
-- a system account, must be a number that JSON represents exactly. An existing
-- account that exceeds the limit keeps a limit of its own until it is within
-- the common limit again.
CREATE OR REPLACE FUNCTION account_born() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
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
		ELSE -9007199254740991 END;
	RETURN NEW;
END
$$;
ALTER TABLE account DISABLE TRIGGER account_fixed;
UPDATE account SET least = -9007199254740991
WHERE kind = 'system' AND balance - held >= -9007199254740991;
ALTER TABLE account ENABLE TRIGGER account_fixed;

-- The account as events show it, which is as `GET /accounts/{id}` shows it to
-- operators.
CREATE FUNCTION account_event(a account) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
	SELECT jsonb_build_object('id', a.id, 'userId', a.user_id,
		'name', a.name, 'currency', a.currency, 'balance', a.balance,
		'held', a.held, 'available', a.balance - a.held,
		'frozen', a.frozen,
		'freezeChangedAt', job_time(a.freeze_changed_at),
		'freezeChangedBy', a.freeze_changed_by,
		'freezeReason', a.freeze_reason,
		'createdAt', job_time(a.created_at))
$$;
CREATE FUNCTION account_emit(p_type text, a account, p_origin text)
RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
	IF EXISTS (SELECT FROM webhook_endpoint) THEN
		RETURN ledger_emit(p_type, account_event(a), p_origin);
	END IF;
	RETURN 0;
END
$$;
CREATE OR REPLACE FUNCTION account_emit(a account, p_origin text)
RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
	RETURN account_emit('account.created', a, p_origin);
END
$$;

-- As in 0010, but the wallet is locked FOR NO KEY UPDATE. A transaction that
-- changes an account twice checks whether the account's wallet exists; it would
-- have to wait for a lock FOR UPDATE, while it has the account locked.
CREATE OR REPLACE FUNCTION ledger_open_account(p_user text, p_name text,
	p_currency text, p_origin text DEFAULT NULL,
	OUT code text, OUT emitted integer, OUT account_id uuid)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
	a account;
BEGIN
	emitted := 0;
	IF NOT EXISTS (SELECT FROM currency WHERE currency.code = p_currency) THEN
		code := 'CURRENCY_UNKNOWN';
		RETURN;
	END IF;
	INSERT INTO wallet (user_id) VALUES (p_user) ON CONFLICT DO NOTHING;
	PERFORM FROM wallet WHERE user_id = p_user FOR NO KEY UPDATE;
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

-- Every call is stored in account_freeze, even if it changes nothing.
CREATE FUNCTION ledger_freeze(p_account uuid, p_frozen boolean, p_user text,
	p_reason text, p_origin text, OUT is_there boolean, OUT emitted integer)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
	a account;
BEGIN
	emitted := 0;
	UPDATE account SET frozen = p_frozen,
		freeze_changed_at = clock_timestamp(),
		freeze_changed_by = p_user, freeze_reason = p_reason
	WHERE id = p_account RETURNING * INTO a;
	is_there := a.id IS NOT NULL;
	IF NOT is_there THEN
		RETURN;
	END IF;
	INSERT INTO account_freeze (account_id, frozen, user_id, reason,
		created_at)
	VALUES (p_account, p_frozen, p_user, p_reason, a.freeze_changed_at);
	emitted := account_emit(CASE WHEN p_frozen THEN 'account.frozen'
		ELSE 'account.unfrozen' END, a, p_origin);
END
$$;
CREATE OR REPLACE FUNCTION ledger_freeze(p_account uuid, p_frozen boolean)
RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
	RETURN (SELECT f.is_there FROM ledger_freeze(p_account, p_frozen, NULL,
		NULL, NULL) f);
END
$$;

-- Currencies

ALTER TABLE currency
	-- NULL: the currency was created together with the table
	ADD created_at timestamptz,
	ADD created_by text,
	ADD reason text,
	-- The largest balance is 2^53 - 1 minor units. With 18 decimal places
	-- that is 0.009 of a currency's unit; with 9 decimal places it is nine
	-- million units.
	ADD CONSTRAINT currency_exponent_useful CHECK (exponent <= 9) NOT VALID;

-- Adds a currency. `code` is NULL when it was added, otherwise the reason why
-- not.
CREATE FUNCTION ledger_add_currency(p_code text, p_exponent integer, p_user text,
	p_reason text, p_origin text, OUT code text, OUT emitted integer,
	OUT created_at timestamptz)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
#variable_conflict use_column
DECLARE
	c currency;
BEGIN
	emitted := 0;
	IF p_exponent > 9 THEN
		code := 'EXPONENT_TOO_LARGE';
		RETURN;
	END IF;
	INSERT INTO currency (code, exponent, created_at, created_by, reason)
	VALUES (p_code, p_exponent::smallint, clock_timestamp(), p_user,
		p_reason)
	ON CONFLICT DO NOTHING RETURNING * INTO c;
	IF c.code IS NULL THEN
		code := 'CURRENCY_EXISTS';
		RETURN;
	END IF;
	created_at := c.created_at;
	IF EXISTS (SELECT FROM webhook_endpoint) THEN
		emitted := ledger_emit('currency.created', jsonb_build_object(
			'code', c.code, 'exponent', c.exponent, 'iso', c.iso,
			'createdAt', job_time(c.created_at),
			'createdBy', c.created_by, 'reason', c.reason),
			p_origin);
	END IF;
END
$$;
CREATE OR REPLACE FUNCTION ledger_add_currency(p_code text, p_exponent integer)
RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
	v_code text := (ledger_add_currency(p_code, p_exponent, NULL, NULL,
		NULL)).code;
BEGIN
	IF v_code = 'EXPONENT_TOO_LARGE' THEN
		RAISE EXCEPTION 'with % digits after the point an account holds'
			' next to nothing', p_exponent
			USING ERRCODE = 'check_violation';
	END IF;
	RETURN v_code IS NULL;
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
