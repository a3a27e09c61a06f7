-- The index of 0013 is the one that makes a username unique.
--
-- 0013 leaves an index of that name as it is, so that an adopted database keeps
-- that of BetterAuth.  An index that only has the name would let two users have
-- one username; a concurrent CREATE INDEX that failed leaves an invalid one,
-- which does not enforce anything for the rows that existed before.

DO $$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_catalog.pg_index i
		JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
		JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid
			AND a.attnum = i.indkey[0]
		WHERE c.relname = 'user_username_key'
			AND c.relnamespace = 'public'::regnamespace
			AND i.indrelid = 'public."user"'::regclass
			AND a.attname = 'username'
			AND i.indnkeyatts = 1 AND i.indpred IS NULL
			AND i.indisunique AND i.indisvalid)
	THEN
		RAISE EXCEPTION 'user_username_key is not a valid unique index on "user" (username)'
			USING HINT = 'Drop it, run CREATE UNIQUE INDEX CONCURRENTLY'
				' user_username_key ON "user" (username), and migrate again.';
	END IF;
END
$$;
