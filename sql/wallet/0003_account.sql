-- Wallets and their accounts.
--
-- A wallet is this service's record of a user. An account belongs to a user, or
-- to the system (the other side of deposits and withdrawals); only the balance
-- of a system account may be below zero.
--
-- `balance` is the sum of the account's entries and is only changed by the
-- trigger on entry (0004): the application may neither set nor change it.
-- `held` is the part of the balance that is reserved by holds.
-- kedge: formerly d4ce2c9abafddec3478e758b11a9c3d9e78a6896accb648296e78726697ec958

-- The range of an amount. Clients read amounts as JSON numbers, which
-- JavaScript represents exactly only below 2^53. This limit is so far below the
-- limit of bigint that no sum can overflow.
CREATE DOMAIN minor_units AS bigint
	CHECK (VALUE BETWEEN -9007199254740991 AND 9007199254740991);

CREATE TABLE wallet (
	user_id text PRIMARY KEY CHECK (user_id <> ''),
	created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE account (
	id uuid PRIMARY KEY DEFAULT uuidv7(),
	kind text NOT NULL DEFAULT 'user' CHECK (kind IN ('user', 'system')),
	user_id text REFERENCES wallet (user_id),
	name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 100),
	currency text NOT NULL REFERENCES currency (code),
	balance minor_units NOT NULL DEFAULT 0,
	held minor_units NOT NULL DEFAULT 0,
	frozen boolean NOT NULL DEFAULT false,
	version bigint NOT NULL DEFAULT 1,
	created_at timestamptz NOT NULL DEFAULT now(),
	-- The foreign key of entry refers to these columns, so that an entry
	-- has its account's currency.
	UNIQUE (id, currency),
	CHECK ((kind = 'user') = (user_id IS NOT NULL)),
	CHECK (held >= 0),
	CHECK (kind = 'system' OR balance >= held)
);
CREATE INDEX account_user ON account (user_id, id) WHERE kind = 'user';
CREATE UNIQUE INDEX account_system ON account (name) WHERE kind = 'system';

-- The application may not set kind, balance or held, so that a defective program can
-- create neither money nor system accounts.
GRANT SELECT, INSERT (user_id) ON wallet TO wallet;
GRANT SELECT, INSERT (user_id, name, currency) ON account TO wallet;
