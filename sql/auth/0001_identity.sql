-- The tables of BetterAuth, as its own migration creates them (1.7.7 with the
-- plugin admin): the same names, quoting, types, constraints and indexes.
--
-- All statements can also be run on a database created by BetterAuth 1.4.18 or
-- later, with or without that plugin. Existing objects are kept. Columns that
-- are added are nullable: BetterAuth refuses to start with a required column
-- that it does not write, and it must be able to use the database again.
-- kedge: formerly acc04b0508608c6d2b6e60795f53cf73cc25ca6fef8cca498811bf49d8971437

-- PostgreSQL 18 has a function uuidv7(); on earlier versions this one has the
-- same name. Like the native function it puts the fraction of the millisecond
-- into the 12 bits after the version, so that ids created one after the other
-- are sorted.
DO $install$
BEGIN
	IF to_regprocedure('uuidv7()') IS NOT NULL THEN
		RETURN;
	END IF;
	CREATE FUNCTION uuidv7() RETURNS uuid
	LANGUAGE sql VOLATILE PARALLEL SAFE
	AS $body$
		-- The variant bits and the 62 random bits are taken from a
		-- version 4 UUID.
		SELECT (lpad(to_hex(us / 1000), 12, '0')
			|| to_hex(28672 + us % 1000 * 4096 / 1000) -- 7fff
			|| right(gen_random_uuid()::text, 17))::uuid
		FROM (SELECT (extract(epoch FROM clock_timestamp())
			* 1000000)::bigint) AS now (us)
	$body$;
END
$install$;

CREATE TABLE IF NOT EXISTS "user" (
	"id" text NOT NULL PRIMARY KEY,
	"name" text NOT NULL,
	"email" text NOT NULL UNIQUE,
	"emailVerified" boolean NOT NULL,
	"image" text,
	"createdAt" timestamptz DEFAULT CURRENT_TIMESTAMP NOT NULL,
	"updatedAt" timestamptz DEFAULT CURRENT_TIMESTAMP NOT NULL,
	"role" text,
	"banned" boolean,
	"banReason" text,
	"banExpires" timestamptz
);
ALTER TABLE "user"
	ADD COLUMN IF NOT EXISTS "role" text,
	ADD COLUMN IF NOT EXISTS "banned" boolean,
	ADD COLUMN IF NOT EXISTS "banReason" text,
	ADD COLUMN IF NOT EXISTS "banExpires" timestamptz;

CREATE TABLE IF NOT EXISTS "session" (
	"id" text NOT NULL PRIMARY KEY,
	"expiresAt" timestamptz NOT NULL,
	"token" text NOT NULL UNIQUE,
	"createdAt" timestamptz DEFAULT CURRENT_TIMESTAMP NOT NULL,
	"updatedAt" timestamptz NOT NULL,
	"ipAddress" text,
	"userAgent" text,
	"userId" text NOT NULL REFERENCES "user" ("id") ON DELETE CASCADE,
	"impersonatedBy" text
);
ALTER TABLE "session" ADD COLUMN IF NOT EXISTS "impersonatedBy" text;

CREATE TABLE IF NOT EXISTS "account" (
	"id" text NOT NULL PRIMARY KEY,
	"accountId" text NOT NULL,
	"providerId" text NOT NULL,
	"userId" text NOT NULL REFERENCES "user" ("id") ON DELETE CASCADE,
	"accessToken" text,
	"refreshToken" text,
	"idToken" text,
	"accessTokenExpiresAt" timestamptz,
	"refreshTokenExpiresAt" timestamptz,
	"scope" text,
	"password" text,
	"createdAt" timestamptz DEFAULT CURRENT_TIMESTAMP NOT NULL,
	"updatedAt" timestamptz NOT NULL
);

CREATE TABLE IF NOT EXISTS "verification" (
	"id" text NOT NULL PRIMARY KEY,
	"identifier" text NOT NULL,
	"value" text NOT NULL,
	"expiresAt" timestamptz NOT NULL,
	"createdAt" timestamptz DEFAULT CURRENT_TIMESTAMP NOT NULL,
	"updatedAt" timestamptz DEFAULT CURRENT_TIMESTAMP NOT NULL
);

CREATE INDEX IF NOT EXISTS "session_userId_idx" ON "session" ("userId");
CREATE INDEX IF NOT EXISTS "account_userId_idx" ON "account" ("userId");
CREATE INDEX IF NOT EXISTS "verification_identifier_idx"
	ON "verification" ("identifier");

-- BetterAuth 1.7.0 and 1.7.1 had a required column account.issuer. Version
-- 1.7.7 does not write it, and does not start while the column is required.
DO $issuer$
BEGIN
	IF EXISTS (SELECT FROM pg_attribute WHERE attname = 'issuer'
		AND attrelid = '"account"'::regclass AND NOT attisdropped) THEN
		ALTER TABLE "account" ALTER COLUMN "issuer" DROP NOT NULL;
	END IF;
END
$issuer$;

GRANT SELECT, INSERT, UPDATE, DELETE
	ON "user", "session", "account", "verification" TO auth;
