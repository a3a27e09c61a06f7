-- Ids are UUID version 7 (RFC 9562), and the database creates them.
--
-- PostgreSQL 18 has a function uuidv7(); on earlier versions this one has the
-- same name, so that later statements can call uuidv7() everywhere. Like the
-- native function it puts the fraction of the millisecond into the 12 bits
-- after the version, so that ids created one after the other are sorted.
-- kedge: formerly 6493223ff7ee05c219d6c303dca93443e98277d6770761ea70671f6a0d30f8cf

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
