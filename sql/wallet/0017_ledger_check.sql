-- The ledger check normally reads new entries only; now and then it reads
-- everything, in slices.
--
-- A checkpoint records up to which entry an account has been checked, and the
-- balance after that entry. The check of new entries (ledger_check_new) follows
-- each account from its checkpoint, and reads the transfers that were made, or
-- moved money, since the checkpoints were set. It compares the checkpoints with
-- the entries that they name, and the sum of all checkpoints with zero. It does
-- not see changes before a checkpoint. For these, ledger_check (0010) reads
-- everything in one snapshot, and the functions at the end of this file read
-- everything in slices, each of which is short.
--
-- services/wallet/README.md says what each of these checks finds.
-- kedge: formerly 0dcd3587650edca9118e7cb2a2a8341f28cfe412faff7a39ce9a05e4c66ba622

CREATE TABLE ledger_checkpoint (
	account_id uuid PRIMARY KEY,
	seq bigint NOT NULL, -- seq of the last checked entry; 1: none was checked
	balance bigint NOT NULL, -- balance of the account after that entry
	before_seq bigint NOT NULL -- seq of the previous checkpoint
);
-- The time at which the checkpoints were last moved: a table with one row. A
-- check that moves them first locks this row, in the state that the check has
-- seen. So of two concurrent checks only one succeeds; two would mix
-- checkpoints of two different moments, whose sum is not zero.
CREATE TABLE ledger_checkpoint_moved (
	one boolean PRIMARY KEY DEFAULT true CHECK (one),
	moved_at timestamptz NOT NULL
);
INSERT INTO ledger_checkpoint_moved (moved_at) VALUES ('-infinity');

-- How much the time at which a transfer moved money may differ from the time in
-- its id: by the length of a transaction, and by how far a clock was set back.
CREATE FUNCTION ledger_check_margin() RETURNS interval
LANGUAGE sql IMMUTABLE RETURN interval '1 hour';

-- The smallest id that uuidv7() can create at the time p_at.
CREATE FUNCTION ledger_least_id(p_at timestamptz) RETURNS uuid
LANGUAGE sql IMMUTABLE RETURN CASE WHEN isfinite(p_at)
	THEN ledger_id((extract(epoch FROM p_at) * 4096000)::bigint,
		'\x8000000000000000'::bytea)
	ELSE '00000000-0000-0000-0000-000000000000'::uuid END;

-- Finds accounts whose held amount is not the sum of their open holds.
CREATE FUNCTION ledger_held_mismatches() RETURNS SETOF ledger_mismatch
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
	SELECT 'held', coalesce(a.id, h.account_id)::text,
		coalesce('held ' || a.held,
			'there is no such account in ' || h.currency)
		|| ', open holds ' || coalesce(h.sum, 0)
	FROM account a FULL JOIN (SELECT debit_account_id AS account_id,
			currency, sum(amount) AS sum FROM transfer
			WHERE status = 'held' GROUP BY 1, 2) h
		ON h.account_id = a.id AND h.currency = a.currency
	WHERE a.held IS DISTINCT FROM coalesce(h.sum, 0)
$$;

-- Finds checkpoints that do not agree with the entry that they name, and checks
-- that this entry follows from the entry before it. All checkpoints are of the
-- same moment, so their balances must add up to zero.
CREATE FUNCTION ledger_checkpoint_mismatches() RETURNS SETOF ledger_mismatch
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
	(SELECT 'checkpoint', c.account_id::text, 'at entry ' || c.seq
		|| ' the balance was ' || c.balance || ', the entry leaves '
		|| coalesce(e.balance_after::text, 'nothing')
	FROM ledger_checkpoint c
		LEFT JOIN account a ON a.id = c.account_id
		LEFT JOIN LATERAL (SELECT amount, balance_after FROM entry
			WHERE account_id = c.account_id AND seq = c.seq
			LIMIT 1) e ON true
		LEFT JOIN LATERAL (SELECT balance_after FROM entry
			WHERE account_id = c.account_id AND seq = c.seq - 1
			LIMIT 1) p ON true
	WHERE (a.version >= c.seq AND c.before_seq BETWEEN 1 AND c.seq
		AND c.balance = e.balance_after
		AND e.balance_after = e.amount + CASE c.seq WHEN 2 THEN 0
			ELSE p.balance_after END) IS NOT TRUE)
	UNION ALL
	(SELECT 'checkpoint', a.currency, 'checkpoints add up to ' || sum(c.balance)
	FROM ledger_checkpoint c JOIN account a ON a.id = c.account_id
	GROUP BY a.currency HAVING sum(c.balance) <> 0)
$$;

-- Checks new entries, in the snapshot of the caller's statement. Returns
-- p_limit mismatches at most, and how much was read. With p_move the
-- checkpoints are moved to the present, if there is no mismatch and they were
-- last moved longer ago than twice the margin. Entries that were made within
-- the margin before a move are checked again by the next check.
CREATE FUNCTION ledger_check_new(p_limit integer, p_move boolean,
	OUT accounts bigint, OUT transfers bigint, OUT entries bigint,
	OUT since timestamptz, OUT mismatches json)
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp SET jit = off AS $$
	WITH moved_before AS (
		SELECT coalesce(max(moved_at), '-infinity') AS at
		FROM ledger_checkpoint_moved
	), line AS MATERIALIZED (
		SELECT a.id, a.currency, a.balance, a.version,
			coalesce(c.seq, 1) AS seq, coalesce(c.balance, 0) AS was,
			coalesce(c.before_seq, 1) AS before_seq
		FROM account a LEFT JOIN ledger_checkpoint c ON c.account_id = a.id
	), recent AS MATERIALIZED ( -- the entries after the previous checkpoint
		SELECT e.transfer_id, e.account_id, e.seq, e.currency, e.amount,
			e.balance_after, e.seq > l.seq AS is_new
		FROM line l CROSS JOIN LATERAL (SELECT * FROM entry
			WHERE account_id = l.id AND seq > l.before_seq) e
	), run AS (
		SELECT r.*, l.was + sum(r.amount) OVER so_far AS running,
			l.seq + row_number() OVER so_far AS place,
			l.currency <> r.currency AS is_foreign
		FROM recent r JOIN line l ON l.id = r.account_id
		WHERE r.is_new
		WINDOW so_far AS (PARTITION BY r.account_id ORDER BY r.seq)
	), total AS MATERIALIZED (
		SELECT l.*, l.was + coalesce(n.sum, 0) AS now,
			coalesce(n.last, l.seq) AS last,
			coalesce(n.is_foreign, false) AS is_foreign
		FROM line l LEFT JOIN (SELECT account_id, sum(amount) AS sum,
				max(seq) AS last, bool_or(is_foreign) AS is_foreign
			FROM run GROUP BY account_id) n ON n.account_id = l.id
	), pair AS MATERIALIZED (
		SELECT transfer_id, count(*) AS count,
			(array_agg(account_id ORDER BY amount))[1] AS debit,
			(array_agg(account_id ORDER BY amount))[2] AS credit,
			min(amount) AS least, max(amount) AS most,
			min(currency) AS currency, bool_or(is_new) AS is_new
		FROM recent GROUP BY transfer_id
	), made AS MATERIALIZED (
		SELECT id, reverses, reversed_amount, status FROM transfer
		WHERE id >= (SELECT ledger_least_id(at - ledger_check_margin())
			FROM moved_before)
	), touched AS MATERIALIZED (
		SELECT id FROM made
		UNION SELECT transfer_id FROM pair WHERE is_new
	), mismatch AS MATERIALIZED (
		(SELECT 'currency' AS kind, currency AS id,
			'new entries add up to ' || sum(amount) AS detail
		FROM recent WHERE is_new
		GROUP BY currency HAVING sum(amount) <> 0)
		UNION ALL
		(SELECT 'balance', id::text, 'balance ' || balance
			|| ', its entries ' || now || '; version ' || version
			|| ', its last entry ' || last
			|| CASE WHEN is_foreign THEN '; in another currency'
				ELSE '' END
		FROM total
		WHERE balance <> now OR version <> last OR is_foreign)
		UNION ALL
		(SELECT 'running', account_id::text, 'entry ' || seq || ', the '
			|| place || '., leaves ' || balance_after || ', not '
			|| running
		FROM run WHERE balance_after <> running OR seq <> place)
		UNION ALL
		(SELECT 'transfer', i.id::text, coalesce(t.status, 'missing')
			|| ', ' || coalesce(e.count, 0) || ' entries'
		FROM touched i LEFT JOIN transfer t ON t.id = i.id
			LEFT JOIN pair e ON e.transfer_id = i.id
		WHERE CASE WHEN t.status IN ('held', 'released', 'expired')
			THEN e.count IS NOT NULL
			ELSE (e.count, e.debit, e.credit, e.currency, e.least,
				e.most) IS DISTINCT FROM (2::bigint,
				t.debit_account_id, t.credit_account_id,
				t.currency,
				-coalesce(t.captured_amount, t.amount)::bigint,
				coalesce(t.captured_amount, t.amount)::bigint)
			END)
		UNION ALL
		(SELECT 'reversal', o.id::text, coalesce(t.status || ', reversed '
				|| t.reversed_amount, 'there is no such transfer')
			|| ', reversals ' || r.sum
		FROM (SELECT reverses AS id FROM made WHERE reverses IS NOT NULL
			UNION SELECT id FROM made
			WHERE reversed_amount <> 0 OR status = 'reversed') o
			LEFT JOIN transfer t ON t.id = o.id
			CROSS JOIN LATERAL (SELECT coalesce(sum(amount), 0) AS sum
				FROM transfer WHERE reverses = o.id) r
		WHERE t.reversed_amount IS DISTINCT FROM r.sum
			OR (t.status = 'reversed') <> (t.reversed_amount
				= coalesce(t.captured_amount, t.amount)))
		UNION ALL
		SELECT * FROM ledger_held_mismatches()
		UNION ALL
		SELECT * FROM ledger_checkpoint_mismatches()
	), taken AS (
		UPDATE ledger_checkpoint_moved m SET moved_at = clock_timestamp()
		FROM moved_before b
		WHERE p_move AND NOT EXISTS (SELECT FROM mismatch)
			AND m.moved_at = b.at AND b.at
			< clock_timestamp() - 2 * ledger_check_margin()
		RETURNING m.one
	), moved AS (
		INSERT INTO ledger_checkpoint AS c (account_id, seq, balance,
			before_seq)
		SELECT id, last, now, seq FROM total, taken
		WHERE last > 1 AND (last > seq OR seq > before_seq)
		ORDER BY id
		ON CONFLICT (account_id) DO UPDATE SET seq = excluded.seq,
			balance = excluded.balance,
			before_seq = excluded.before_seq
	)
	SELECT (SELECT count(*) FROM line), (SELECT count(*) FROM touched),
		(SELECT count(*) FROM recent WHERE is_new),
		(SELECT nullif(at, '-infinity') FROM moved_before),
		(SELECT coalesce(json_agg(m), '[]')
			FROM (SELECT * FROM mismatch LIMIT p_limit) m)
$$;

-- Functions that check everything, in slices
--
-- Entries do not change, so each slice may have its own snapshot. Each transfer
-- that moved money must have exactly two entries. This is checked without an
-- index of entries by transfer: each entry must be a side of its transfer; and
-- the number of these entries, and the exclusive or of the hashes of their
-- transfers' ids, must be equal to those of the transfers that moved money.
-- Only money that moved before p_before counts, so later transfers make no
-- difference.

-- Whether the transfer moved money before p_before.
CREATE FUNCTION ledger_moved_before(p_status text, p_created_at timestamptz,
	p_settled_at timestamptz, p_before timestamptz) RETURNS boolean
LANGUAGE sql IMMUTABLE RETURN p_status IN ('posted', 'captured', 'reversed')
	AND coalesce(p_settled_at, p_created_at) < p_before;

-- Reads at most p_limit entries that follow the entry p_seq of p_account, after
-- which the balance was p_running. next_account is NULL when there are no more
-- entries.
CREATE FUNCTION ledger_check_entries(p_account uuid, p_seq bigint,
	p_running bigint, p_before timestamptz, p_limit integer,
	OUT next_account uuid, OUT next_seq bigint, OUT next_running bigint,
	OUT entries bigint, OUT debits bigint, OUT debit_hash bigint,
	OUT credits bigint, OUT credit_hash bigint, OUT mismatches json)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off AS $$
	WITH slice AS MATERIALIZED (
		SELECT * FROM entry WHERE (account_id, seq) > (p_account, p_seq)
		ORDER BY account_id, seq LIMIT p_limit
	), run AS MATERIALIZED (
		SELECT s.*, sum(s.amount) OVER so_far + CASE s.account_id
				WHEN p_account THEN p_running ELSE 0 END AS running,
			row_number() OVER so_far + CASE s.account_id
				WHEN p_account THEN p_seq ELSE 1 END AS place,
			lead(s.seq) OVER so_far IS NULL AS is_last
		FROM slice s
		WINDOW so_far AS (PARTITION BY s.account_id ORDER BY s.seq)
	), sided AS MATERIALIZED (
		SELECT r.*, CASE
			WHEN t.status NOT IN ('posted', 'captured', 'reversed')
				OR t.currency <> r.currency THEN NULL
			WHEN r.account_id = t.debit_account_id AND r.amount
				= -coalesce(t.captured_amount, t.amount) THEN 'd'
			WHEN r.account_id = t.credit_account_id AND r.amount
				= coalesce(t.captured_amount, t.amount) THEN 'c'
			END AS side,
			ledger_moved_before(t.status, t.created_at, t.settled_at,
				p_before) AS counts
		FROM run r LEFT JOIN transfer t ON t.id = r.transfer_id
	-- the last entry of the slice or, if it is empty, the entry before the
	-- slice
	), tail AS (
		SELECT account_id, seq, running, is_full FROM (
			(SELECT account_id, seq, running FROM run
			ORDER BY account_id DESC, seq DESC LIMIT 1)
			UNION ALL
			SELECT p_account, p_seq, p_running
			WHERE NOT EXISTS (SELECT FROM run)) l,
			(SELECT count(*) = p_limit AS is_full FROM slice) f
	), ended AS ( -- the accounts whose last entry is in the slice
		SELECT account_id, seq, running FROM run WHERE is_last
			AND account_id IS DISTINCT FROM (SELECT account_id FROM tail
				WHERE is_full)
		UNION ALL
		SELECT p_account, p_seq, p_running
		WHERE p_seq > 1 AND NOT EXISTS (SELECT FROM run
			WHERE account_id = p_account)
	), mismatch AS (
		(SELECT 'running' AS kind, account_id::text AS id, 'entry ' || seq
			|| ', the ' || place || '., leaves ' || balance_after
			|| ', not ' || running AS detail
		FROM run WHERE balance_after <> running OR seq <> place)
		UNION ALL
		(SELECT 'balance', e.account_id::text, coalesce('balance '
				|| a.balance || ', version ' || a.version,
				'there is no such account')
			|| ', its entries ' || e.running || ', the last ' || e.seq
		FROM ended e LEFT JOIN account a ON a.id = e.account_id
		WHERE (a.balance = e.running AND a.version = e.seq) IS NOT TRUE)
		UNION ALL
		(SELECT 'transfer', transfer_id::text, 'entry ' || seq || ' of '
			|| account_id || ' is no side of it'
		FROM sided WHERE side IS NULL)
	)
	SELECT t.account_id, t.seq, t.running, (SELECT count(*) FROM slice),
		s.debits, s.debit_hash, s.credits, s.credit_hash,
		(SELECT coalesce(json_agg(m), '[]')
			FROM (SELECT * FROM mismatch LIMIT 100) m)
	FROM (SELECT count(*) FILTER (WHERE side = 'd') AS debits,
			coalesce(bit_xor(uuid_hash_extended(transfer_id, 0))
				FILTER (WHERE side = 'd'), 0) AS debit_hash,
			count(*) FILTER (WHERE side = 'c') AS credits,
			coalesce(bit_xor(uuid_hash_extended(transfer_id, 0))
				FILTER (WHERE side = 'c'), 0) AS credit_hash
		FROM sided WHERE counts) s LEFT JOIN tail t ON t.is_full
$$;

-- Reads at most p_limit transfers that follow the transfer p_after.
CREATE FUNCTION ledger_check_transfers(p_after uuid, p_before timestamptz,
	p_limit integer, OUT next_id uuid, OUT transfers bigint,
	OUT moved bigint, OUT moved_hash bigint, OUT mismatches json)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp SET jit = off AS $$
	WITH slice AS MATERIALIZED (
		SELECT id, status, amount, captured_amount, reversed_amount,
			reverses, ledger_moved_before(status, created_at,
				settled_at, p_before) AS counts
		FROM transfer WHERE id > p_after ORDER BY id LIMIT p_limit
	), mismatch AS (
		(SELECT 'reversal' AS kind, s.id::text AS id, s.status
			|| ', reversed ' || s.reversed_amount || ', reversals '
			|| r.sum AS detail
		FROM slice s CROSS JOIN LATERAL (
			SELECT coalesce(sum(amount), 0) AS sum FROM transfer
			WHERE reverses = s.id) r
		WHERE s.reversed_amount <> r.sum
			OR (s.status = 'reversed') <> (s.reversed_amount
				= coalesce(s.captured_amount, s.amount)))
		UNION ALL
		(SELECT 'reversal', s.reverses::text, 'there is no such transfer'
		FROM slice s LEFT JOIN transfer t ON t.id = s.reverses
		WHERE s.reverses IS NOT NULL AND t.id IS NULL)
	)
	SELECT (SELECT id FROM slice ORDER BY id DESC LIMIT 1),
		count(*), count(*) FILTER (WHERE counts),
		coalesce(bit_xor(uuid_hash_extended(id, 0)) FILTER (WHERE counts), 0),
		(SELECT coalesce(json_agg(m), '[]')
			FROM (SELECT * FROM mismatch LIMIT 100) m)
	FROM slice
$$;

-- Checks what no slice contains: accounts without entries, the held amounts,
-- and the sum of all balances.
CREATE FUNCTION ledger_check_rest(OUT accounts bigint, OUT mismatches json)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp SET jit = off AS $$
	WITH mismatch AS (
		(SELECT 'currency' AS kind, currency AS id,
			'balances add up to ' || sum(balance) AS detail
		FROM account GROUP BY currency HAVING sum(balance) <> 0)
		UNION ALL
		(SELECT 'balance', id::text, 'balance ' || balance
			|| ', it has no entries'
		FROM account a
		WHERE (balance <> 0 OR version <> 1) AND NOT EXISTS (
			SELECT FROM entry WHERE account_id = a.id))
		UNION ALL
		SELECT * FROM ledger_held_mismatches()
		UNION ALL
		SELECT * FROM ledger_checkpoint_mismatches()
	)
	SELECT (SELECT count(*) FROM account),
		(SELECT coalesce(json_agg(m), '[]')
			FROM (SELECT * FROM mismatch LIMIT 100) m)
$$;

-- In the table of the last results, `mismatches` is for the check of new
-- entries, and the new columns are for the full check.
ALTER TABLE ledger_checked
	ADD full_at timestamptz,
	ADD full_mismatches integer NOT NULL DEFAULT 0;

CREATE FUNCTION ledger_note_check(p_mismatches integer, p_full boolean)
RETURNS void
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
	INSERT INTO ledger_checked AS c (checked_at, mismatches, full_at,
		full_mismatches)
	VALUES (clock_timestamp(), CASE WHEN p_full THEN 0 ELSE p_mismatches END,
		CASE WHEN p_full THEN clock_timestamp() END,
		CASE WHEN p_full THEN p_mismatches ELSE 0 END)
	ON CONFLICT (one) DO UPDATE SET checked_at = excluded.checked_at,
		mismatches = excluded.mismatches,
		full_at = coalesce(excluded.full_at, c.full_at),
		full_mismatches = CASE WHEN p_full THEN excluded.full_mismatches
			ELSE c.full_mismatches END
$$;
CREATE OR REPLACE FUNCTION ledger_note_check(p_mismatches integer) RETURNS void
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
	SELECT ledger_note_check(p_mismatches, true)
$$;

DO $$
DECLARE
	v_function regprocedure;
	v_is_door boolean;
BEGIN
	FOR v_function, v_is_door IN
		SELECT oid, prosecdef FROM pg_proc
		WHERE pronamespace = 'public'::regnamespace
			AND proname ~ '^ledger_'
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
