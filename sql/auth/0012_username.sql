-- The columns of BetterAuth's plugin username, as BetterAuth's own migration makes
-- them. The next file makes the unique index.
-- kedge: formerly b67d5d4209de2d5d4c78c93d1604c9a88116009466a1eade88b728cc6f5d78c2

ALTER TABLE "user"
	ADD COLUMN IF NOT EXISTS "username" text,
	ADD COLUMN IF NOT EXISTS "displayUsername" text;
