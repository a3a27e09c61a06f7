-- Ids are UUID version 7 (RFC 9562), made by the database.
--
-- PostgreSQL 18 has uuidv7(); before that we install a function of the same
-- name, so that every later statement can say uuidv7().  As the native one it
-- puts the fraction of the millisecond into the 12 bits after the version, so
-- ids made one after the other also sort so.

DO $install$
BEGIN
	IF to_regprocedure('uuidv7()') IS NOT NULL THEN
		RETURN;
	END IF;
	CREATE FUNCTION uuidv7() RETURNS uuid
	LANGUAGE sql VOLATILE PARALLEL SAFE
	AS $body$
		-- The variant and 62 random bits are the end of a version 4.
		SELECT (lpad(to_hex(us / 1000), 12, '0')
			|| to_hex(28672 + us % 1000 * 4096 / 1000) -- 7fff
			|| right(gen_random_uuid()::text, 17))::uuid
		FROM (SELECT (extract(epoch FROM clock_timestamp())
			* 1000000)::bigint) AS now (us)
	$body$;
END
$install$;
