-- kedge: no transaction
-- The index has the name of BetterAuth's constraint, so that nothing is made in an
-- adopted database that has the plugin, and thus the constraint, already.
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS user_username_key ON "user" ("username");
