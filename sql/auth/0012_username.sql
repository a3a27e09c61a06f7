-- The columns of BetterAuth's plugin username, as its own migration makes them but
-- for the unique index, which the next file makes.

ALTER TABLE "user"
	ADD COLUMN IF NOT EXISTS "username" text,
	ADD COLUMN IF NOT EXISTS "displayUsername" text;
