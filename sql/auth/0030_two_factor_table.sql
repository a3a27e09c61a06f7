-- The table of BetterAuth's plugin two-factor, as BetterAuth 1.7.25's own migration makes
-- it, and two columns of ours: the last step of time whose code was used, so that a code
-- works once, and since when a browser may have been trusted.

CREATE TABLE IF NOT EXISTS "twoFactor" (
	"id" text NOT NULL PRIMARY KEY,
	"secret" text NOT NULL,
	"backupCodes" text NOT NULL,
	"userId" text NOT NULL REFERENCES "user" ("id") ON DELETE CASCADE
);

ALTER TABLE "twoFactor"
	ADD COLUMN IF NOT EXISTS "verified" boolean DEFAULT true,
	ADD COLUMN IF NOT EXISTS "failedVerificationCount" integer DEFAULT 0,
	ADD COLUMN IF NOT EXISTS "lockedUntil" timestamptz,
	ADD COLUMN IF NOT EXISTS kedge_used_step bigint,
	ADD COLUMN IF NOT EXISTS kedge_trusted_since timestamptz;

CREATE INDEX IF NOT EXISTS "twoFactor_secret_idx" ON "twoFactor" ("secret");
CREATE INDEX IF NOT EXISTS "twoFactor_userId_idx" ON "twoFactor" ("userId");

GRANT SELECT, INSERT, UPDATE, DELETE ON "twoFactor" TO auth;
