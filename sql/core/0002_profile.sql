-- One row per user that core has met.  The key is the user's id as auth
-- asserts it: text, because adopted databases keep their own ids.

CREATE TABLE profile (
	user_id text PRIMARY KEY CHECK (user_id <> ''),
	display_name text CHECK (char_length(display_name) BETWEEN 1 AND 100),
	timezone text NOT NULL DEFAULT 'UTC',
	locale text NOT NULL DEFAULT 'en',
	created_at timestamptz NOT NULL DEFAULT now(),
	updated_at timestamptz NOT NULL DEFAULT now()
);

GRANT SELECT, INSERT (user_id), UPDATE (display_name, timezone, locale,
	updated_at) ON profile TO core;
