-- kedge: no transaction
-- Of the name that BetterAuth's constraint has, so that an adopted database that
-- has the plugin already is left as it is.
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS user_username_key ON "user" ("username");
