-- The ledger: transfers, and the entries that they consist of.
--
-- At this point no code moves money, and the application has no right to these
-- tables; the file that adds the ledger's functions grants it INSERT. The
-- tables are made already now, so that the first row that is ever written
-- follows the rules of double entry:
--
--   * an entry is never changed or deleted, by anyone;
--   * the entries of a transfer add up to zero in each currency, at commit;
--   * a balance changes together with an entry, in the same statement, and in no
--     other way; a user's balance never falls below the held amount.
--
-- Each entry locks its account. So insert the entries of a transfer in the
-- order of account ids: otherwise two transfers between the same accounts may
-- deadlock.
-- kedge: formerly f2df01eec861a7772ff2b6f50e822006a13ab6bcb8cb106bc6ef0292233c57be

CREATE TABLE transfer (
	id uuid PRIMARY KEY DEFAULT uuidv7(),
	status text NOT NULL DEFAULT 'posted' CHECK (status IN ('posted',
		'held', 'captured', 'released', 'expired', 'reversed')),
	debit_account_id uuid NOT NULL,
	credit_account_id uuid NOT NULL,
	currency text NOT NULL,
	amount minor_units NOT NULL CHECK (amount > 0),
	memo text,
	created_at timestamptz NOT NULL DEFAULT now(),
	FOREIGN KEY (debit_account_id, currency)
		REFERENCES account (id, currency),
	FOREIGN KEY (credit_account_id, currency)
		REFERENCES account (id, currency),
	CHECK (debit_account_id <> credit_account_id)
);

CREATE TABLE entry (
	id uuid PRIMARY KEY DEFAULT uuidv7(),
	transfer_id uuid NOT NULL REFERENCES transfer (id),
	account_id uuid NOT NULL,
	currency text NOT NULL,
	amount minor_units NOT NULL CHECK (amount <> 0),
	balance_after minor_units NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now(),
	FOREIGN KEY (account_id, currency) REFERENCES account (id, currency)
);
CREATE INDEX entry_account ON entry (account_id, id);
CREATE INDEX entry_transfer ON entry (transfer_id);

-- This function runs as the owner, because the application may not write
-- account.balance.
CREATE FUNCTION entry_post() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
	UPDATE account
	SET balance = balance + NEW.amount, version = version + 1
	WHERE id = NEW.account_id AND currency = NEW.currency
	RETURNING balance INTO NEW.balance_after;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'no account % in %', NEW.account_id, NEW.currency
			USING ERRCODE = 'foreign_key_violation';
	END IF;
	RETURN NEW;
END
$$;
CREATE TRIGGER entry_post BEFORE INSERT ON entry
	FOR EACH ROW EXECUTE FUNCTION entry_post();

CREATE FUNCTION entry_check_zero() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
	IF EXISTS (
		SELECT FROM entry WHERE transfer_id = NEW.transfer_id
		GROUP BY currency HAVING sum(amount) <> 0
	) THEN
		RAISE EXCEPTION 'transfer % does not balance', NEW.transfer_id
			USING ERRCODE = 'check_violation';
	END IF;
	RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER entry_check_zero AFTER INSERT ON entry
	DEFERRABLE INITIALLY DEFERRED
	FOR EACH ROW EXECUTE FUNCTION entry_check_zero();

CREATE FUNCTION entry_refuse() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
	RAISE EXCEPTION 'entries are append-only'
		USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER entry_refuse BEFORE UPDATE OR DELETE OR TRUNCATE ON entry
	FOR EACH STATEMENT EXECUTE FUNCTION entry_refuse();
