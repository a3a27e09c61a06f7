-- user.created, for webhooks: whoever made the user, auth, a BetterAuth server
-- beside it, or somebody at a psql prompt.  As the owner, since the others may
-- not write jobs.

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

CREATE TRIGGER kedge_user_created AFTER INSERT ON "user"
	FOR EACH ROW EXECUTE FUNCTION kedge_user_created();
