-- One row for each user after the first contact. The key is the user's id from
-- the identity assertion. It is text, because adopted databases keep the ids
-- that they have.
-- kedge: formerly ecd2306efc05aa097d2e4e5d36dfcd904c9591cfe178b40efc3d85f1001ad3dc

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
