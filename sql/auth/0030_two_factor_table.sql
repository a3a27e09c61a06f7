-- The table of BetterAuth's plugin two-factor, as BetterAuth 1.7.25's own migration makes
-- it, and two columns of ours: the last TOTP time step whose code was used, so that a code
-- works once; and a time: trust that a browser got before it is void.
-- kedge: formerly d8924ab13e33c689e97b473e7fee258e95ceaaa8c94c3e1704f29d008b914e8c

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
