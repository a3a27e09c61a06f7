-- Code that runs as the owner of this database resolves all names in pg_catalog
-- and public, and nowhere else.
--
-- A trigger or a SECURITY DEFINER function runs as the owner, and so does every
-- function that it calls. PL/pgSQL resolves the types of a function's variables
-- once per session, when the session first calls the function. The
-- application's role could call a library function first, with a search_path of
-- its own and a domain pg_temp.text whose CHECK calls a function of its own;
-- the next call by the owner then ran that CHECK as the owner. So each function
-- has a search_path of its own. (A search_path that does not name pg_temp
-- searches pg_temp first.)
--
-- A SQL function with SET cannot be inlined. So functions whose calls must stay
-- cheap get no SET, but a body (BEGIN ATOMIC or RETURN) whose names are bound
-- now. Functions that the application may not call get none either: the
-- statements of their callers parse them, and the callers have a search_path.
--
-- This file alters all functions that the earlier files have created. Functions
-- of later files declare SET search_path themselves (t/02-owner.t).
-- kedge: formerly d6a2c6f062ee638f018c7e2891bce5eb13e2fe2c252691d60ce1b38bd7cd1df2
-- kedge: formerly 8035500a72cfce7b5ff86749e2d3da94555877086ec0ae49aefb57772315d0d3

SET LOCAL search_path = public, pg_temp;

DO $bind$
DECLARE
	f record;
BEGIN
	FOR f IN
		SELECT pg_get_functiondef(p.oid) AS definition, p.prosrc
		FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
		WHERE p.pronamespace = 'public'::regnamespace
			AND p.proname IN ('uuidv7', 'job_time', 'job_delay',
				'job_state_after')
			AND l.lanname = 'sql' AND p.proconfig IS NULL
			AND p.prosqlbody IS NULL
			AND pg_has_role(p.proowner, 'USAGE')
	LOOP
		EXECUTE regexp_replace(f.definition, '\nAS \$function\$.*$', '')
			|| E'\nBEGIN ATOMIC\n' || f.prosrc || E'\n;\nEND';
	END LOOP;
END
$bind$;

DO $set$
DECLARE
	f regprocedure;
BEGIN
	FOR f IN
		SELECT p.oid
		FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
		WHERE p.pronamespace = 'public'::regnamespace
			AND l.lanname IN ('sql', 'plpgsql')
			AND p.prosqlbody IS NULL
			AND pg_has_role(p.proowner, 'USAGE')
			AND NOT EXISTS (SELECT FROM pg_depend d
				WHERE d.classid = 'pg_proc'::regclass
					AND d.objid = p.oid AND d.deptype = 'e')
			AND (l.lanname = 'plpgsql' OR p.prosecdef
				OR has_function_privilege(
					current_setting('kedge.service'), p.oid,
					'EXECUTE'))
			AND NOT coalesce(p.proconfig, '{}')
				@> ARRAY['search_path=pg_catalog, public, pg_temp']
	LOOP
		EXECUTE format('ALTER ROUTINE %s'
			' SET search_path = pg_catalog, public, pg_temp', f);
	END LOOP;
END
$set$;
