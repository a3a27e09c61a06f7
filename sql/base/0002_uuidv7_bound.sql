-- uuidv7() of 0001_uuidv7.sql resolves its names now, not in each session that
-- calls it: sql/core/0011_search_path.sql says why. PostgreSQL 18 has a function
-- of its own, and the databases of some services have bound this one already.

SET LOCAL search_path = public, pg_temp;

DO $bind$
DECLARE
	f record;
BEGIN
	FOR f IN
		SELECT pg_get_functiondef(p.oid) AS definition, p.prosrc
		FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
		WHERE p.pronamespace = 'public'::regnamespace
			AND p.proname = 'uuidv7'
			AND l.lanname = 'sql' AND p.proconfig IS NULL
			AND p.prosqlbody IS NULL
			AND pg_has_role(p.proowner, 'USAGE')
	LOOP
		EXECUTE regexp_replace(f.definition, '\nAS \$function\$.*$', '')
			|| E'\nBEGIN ATOMIC\n' || f.prosrc || E'\n;\nEND';
	END LOOP;
END
$bind$;
