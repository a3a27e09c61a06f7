-- The event user.deleted, for webhooks, so that others can erase what they have of the
-- user. It is sent for every user that is deleted, whoever deletes the row: see 0006.

CREATE FUNCTION kedge_user_deleted() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $body$
BEGIN
	PERFORM webhook_emit('user.deleted', jsonb_build_object('id', old."id"));
	RETURN NULL;
END
$body$;

REVOKE ALL ON FUNCTION kedge_user_deleted() FROM public;

CREATE TRIGGER kedge_user_deleted AFTER DELETE ON "user"
	FOR EACH ROW EXECUTE FUNCTION kedge_user_deleted();
