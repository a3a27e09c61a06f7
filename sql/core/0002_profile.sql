-- One row for each user after first contact.  The key is the user's id from the
-- assertion: text, because adopted databases keep their own ids.
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
