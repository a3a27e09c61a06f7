-- The event user.created, for webhooks. It is sent for every new user, whether
-- auth, a BetterAuth server on the same database, or a person at a psql prompt
-- has created the user. The function runs as the owner, because other roles may
-- not write jobs.
--
-- Functions that run as the owner find names in `public`, so no other role may
-- create objects there. PostgreSQL 15 ensures that for new databases; an
-- adopted database may be older.
-- kedge: formerly 735af71fee1e8e5218d22f9c35287b808ec31d0296a8a7f5fb4b6f09c5dbda54
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
