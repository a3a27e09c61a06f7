-- The column of BetterAuth's plugin two-factor by which auth knows that a user has
-- enabled a second factor. While no plugin of auth asks for it, auth refuses to sign
-- such a user in: a password alone must not be enough.

ALTER TABLE "user" ADD COLUMN IF NOT EXISTS "twoFactorEnabled" boolean;
