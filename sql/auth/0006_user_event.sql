-- user.created, for webhooks: whoever made the user, auth, a BetterAuth server
-- beside it, or somebody at a psql prompt.  As the owner, since the others may
-- not write jobs.
--
-- What the owner runs is found in `public`, so nobody else may put anything
-- there.  PostgreSQL 15 made that so for new databases; one that is adopted may
-- be older.
DO $check$
DECLARE
	v_role text;
BEGIN
	FOREACH v_role IN ARRAY ARRAY['public', current_setting('kedge.service')]
	LOOP
		IF has_schema_privilege(v_role, 'public', 'CREATE') THEN
			RAISE EXCEPTION 'the role % may create in the schema public: '
				'REVOKE CREATE ON SCHEMA public FROM %', v_role, v_role;
		END IF;
	END LOOP;
END
$check$;

CREATE FUNCTION kedge_user_created() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $body$
BEGIN
	PERFORM webhook_emit('user.created', jsonb_build_object(
		'id', new."id",
		'email', new."email",
		'name', new."name",
		'createdAt', to_char(new."createdAt" AT TIME ZONE 'UTC',
			'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')));
	RETURN NULL;
END
$body$;

REVOKE ALL ON FUNCTION kedge_user_created() FROM public;

CREATE TRIGGER kedge_user_created AFTER INSERT ON "user"
	FOR EACH ROW EXECUTE FUNCTION kedge_user_created();
