-- The columns of BetterAuth's plugin username, as BetterAuth's own migration makes
-- them. The next file makes the unique index.

ALTER TABLE "user"
	ADD COLUMN IF NOT EXISTS "username" text,
	ADD COLUMN IF NOT EXISTS "displayUsername" text;
