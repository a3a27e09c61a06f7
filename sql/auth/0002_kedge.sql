-- Our own tables beside BetterAuth's, which does not know and does not mind
-- them.

-- In which services a user has a record: has<Service>Account on the wire.
CREATE TABLE service_account (
	user_id text NOT NULL REFERENCES "user" (id) ON DELETE CASCADE,
	service text NOT NULL CHECK (service ~ '^[a-z][a-z0-9]{0,31}$'),
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (user_id, service)
);

-- The cache of sessions is keyed by this number: raising it puts everything
-- that was cached before out of reach (services/auth/session/session.h).  It
-- starts from the clock so that a new database never meets the entries that
-- an earlier one left in Redis.
CREATE TABLE kedge_cache_epoch (
	one boolean PRIMARY KEY DEFAULT true CHECK (one),
	epoch bigint NOT NULL CHECK (epoch > 0)
);
INSERT INTO kedge_cache_epoch (epoch)
VALUES ((extract(epoch FROM clock_timestamp()) * 1000)::bigint);

GRANT SELECT, INSERT ON service_account TO auth;
GRANT SELECT, UPDATE ON kedge_cache_epoch TO auth;
