-- Messages that are to be sent. The values (links, codes) are encrypted by auth;
-- the row is deleted when the message has been sent or given up.

CREATE TABLE kedge_mail (
	id text PRIMARY KEY,
	kind text NOT NULL,
	recipient text NOT NULL,
	language text NOT NULL,
	sealed text NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now(),
	expires_at timestamptz NOT NULL
);

CREATE INDEX kedge_mail_expires_at ON kedge_mail (expires_at);

GRANT SELECT, INSERT, DELETE ON kedge_mail TO auth;
