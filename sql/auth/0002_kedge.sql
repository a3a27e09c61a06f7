-- auth's own tables, which stand beside BetterAuth's tables and which
-- BetterAuth ignores.
-- kedge: formerly ed392b143e5ef9833d98c681c88351c612144aa4fa8bc6860e925e7032a81e77

-- The services in which a user has a record. Responses show it as
-- has<Service>Account.
CREATE TABLE service_account (
	user_id text NOT NULL REFERENCES "user" (id) ON DELETE CASCADE,
	service text NOT NULL CHECK (service ~ '^[a-z][a-z0-9]{0,31}$'),
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (user_id, service)
);

-- This number (the epoch) is part of the key of each cached session: when it is
-- raised, all sessions that were cached before cannot be found any more
-- (services/auth/identity/session.h). It begins with the current time, so that a
-- new database never finds entries that an earlier database left in Redis.
CREATE TABLE kedge_cache_epoch (
	one boolean PRIMARY KEY DEFAULT true CHECK (one),
	epoch bigint NOT NULL CHECK (epoch > 0)
);
INSERT INTO kedge_cache_epoch (epoch)
VALUES ((extract(epoch FROM clock_timestamp()) * 1000)::bigint);

GRANT SELECT, INSERT ON service_account TO auth;
GRANT SELECT, UPDATE ON kedge_cache_epoch TO auth;
