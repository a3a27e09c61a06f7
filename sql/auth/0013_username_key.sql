-- kedge: no transaction
-- The index has the name of BetterAuth's constraint, so that nothing is made in an
-- adopted database that has the plugin, and thus the constraint, already.
-- kedge: formerly 8407178c6e948dadf09cee9403b2a097df45748f6496873a97f17bc1d4a05997
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS user_username_key ON "user" ("username");
