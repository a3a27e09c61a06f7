-- The function with which bench/ledger compares wallet: a transfer as in a textbook,
-- one PL/pgSQL function on plain tables.  It does the minimum for a transfer (a key
-- that can be used once, both accounts locked in a fixed order, the check of funds,
-- two entries, two balances).  Nothing protects its tables from errors: there is no
-- trigger, no foreign key, and one check constraint.

CREATE TABLE account (
	id bigint PRIMARY KEY,
	balance bigint NOT NULL CHECK (balance >= 0)
);
CREATE TABLE transfer (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	debit_account_id bigint NOT NULL,
	credit_account_id bigint NOT NULL,
	amount bigint NOT NULL,
	memo text,
	created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE entry (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	transfer_id bigint NOT NULL,
	account_id bigint NOT NULL,
	amount bigint NOT NULL,
	balance_after bigint NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX entry_account ON entry (account_id, id);
CREATE TABLE idempotency (
	key text PRIMARY KEY,
	transfer_id bigint,
	created_at timestamptz NOT NULL DEFAULT now()
);

-- Returns NULL when there are not enough funds.
CREATE FUNCTION transfer(p_key text, p_debit bigint, p_credit bigint,
	p_amount bigint, p_memo text) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
	v_id bigint;
	v_funds bigint;
	v_debit_after bigint;
	v_credit_after bigint;
BEGIN
	INSERT INTO idempotency (key) VALUES (p_key) ON CONFLICT DO NOTHING;
	IF NOT FOUND THEN
		SELECT transfer_id INTO v_id FROM idempotency WHERE key = p_key;
		RETURN v_id;
	END IF;
	PERFORM FROM account WHERE id IN (p_debit, p_credit)
	ORDER BY id FOR UPDATE;
	SELECT balance INTO v_funds FROM account WHERE id = p_debit;
	IF v_funds < p_amount THEN
		RETURN NULL;
	END IF;
	INSERT INTO transfer (debit_account_id, credit_account_id, amount, memo)
	VALUES (p_debit, p_credit, p_amount, p_memo) RETURNING id INTO v_id;
	UPDATE account SET balance = balance - p_amount WHERE id = p_debit
	RETURNING balance INTO v_debit_after;
	UPDATE account SET balance = balance + p_amount WHERE id = p_credit
	RETURNING balance INTO v_credit_after;
	INSERT INTO entry (transfer_id, account_id, amount, balance_after)
	VALUES (v_id, p_debit, -p_amount, v_debit_after),
		(v_id, p_credit, p_amount, v_credit_after);
	UPDATE idempotency SET transfer_id = v_id WHERE key = p_key;
	RETURN v_id;
END
$$;

INSERT INTO account (id, balance)
SELECT i, 1000000000 FROM generate_series(1, 10000) AS i;
VACUUM ANALYZE;
