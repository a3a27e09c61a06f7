-- Changes all ids to text, in a BetterAuth database whose ids are of another
-- type because advanced.database.generateId was "uuid" (type uuid) or "serial"
-- (type integer). Run this file once as the tables' owner, before the first
-- `kedge migrate auth`:
--
-- 	psql --single-transaction -v ON_ERROR_STOP=1 -f sql/adopt_ids.sql URL
--
-- Every column that refers to one of these ids becomes text, too, in whatever
-- table it is. Existing ids keep their value. New ids are still made in the old
-- way, whichever program inserts the row: uuids by a default, numbers by a
-- sequence and a trigger (auth itself would make uuids), so that BetterAuth can
-- be started on the database again. A database whose ids are text already is
-- not changed.

DO $adopt$
DECLARE
	tables regclass[];
	kinds jsonb := '{}';
	t regclass;
	kind text;
	numbers text;
	k record;
	keys jsonb;
BEGIN
	SELECT array_agg(a.attrelid::regclass), jsonb_object_agg(a.attrelid::regclass,
		a.atttypid::regtype)
	INTO tables, kinds
	FROM pg_attribute a
	WHERE a.attname = 'id' AND a.atttypid IN ('uuid'::regtype, 'integer'::regtype,
			'bigint'::regtype)
		AND a.attrelid IN (to_regclass('public."user"'), to_regclass('public.session'),
			to_regclass('public.account'), to_regclass('public.verification'),
			to_regclass('public."twoFactor"'));
	IF tables IS NULL THEN
		RETURN;
	END IF;

	-- Both columns of a foreign key must have the same type at any time, so
	-- the foreign keys are dropped here and added again at the end.
	SELECT jsonb_agg(jsonb_build_object('of', c.conrelid::regclass, 'name', c.conname,
		'definition', pg_get_constraintdef(c.oid), 'column', (SELECT attname
			FROM pg_attribute WHERE attrelid = c.conrelid AND attnum = c.conkey[1])))
	INTO keys
	FROM pg_constraint c WHERE c.contype = 'f' AND c.confrelid = ANY (tables);
	FOR k IN SELECT * FROM jsonb_to_recordset(coalesce(keys, '[]'))
		AS k ("of" text, name text, "column" text)
	LOOP
		EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', k."of", k.name);
		EXECUTE format('ALTER TABLE %s ALTER COLUMN %I TYPE text', k."of", k."column");
	END LOOP;

	FOREACH t IN ARRAY tables LOOP
		kind := kinds ->> t::text;
		EXECUTE format('ALTER TABLE %s ALTER COLUMN id DROP IDENTITY IF EXISTS', t);
		EXECUTE format('ALTER TABLE %s ALTER COLUMN id DROP DEFAULT', t);
		EXECUTE format('ALTER TABLE %s ALTER COLUMN id TYPE text', t);
		IF kind = 'uuid' THEN
			EXECUTE format('ALTER TABLE %s ALTER COLUMN id SET DEFAULT gen_random_uuid()::text', t);
			CONTINUE;
		END IF;
		numbers := quote_ident('kedge_' || trim('"' FROM t::text) || '_id');
		EXECUTE format('CREATE SEQUENCE %s OWNED BY %s.id', numbers, t);
		EXECUTE format('SELECT setval(%L, coalesce(max(id::bigint), 0) + 1, false) FROM %s',
			numbers, t);
		EXECUTE format('ALTER TABLE %s ALTER COLUMN id SET DEFAULT nextval(%L)::text', t, numbers);
		CREATE OR REPLACE FUNCTION kedge_number_id() RETURNS trigger
		LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
		AS $body$
		BEGIN
			-- BetterAuth's own INSERT has no id, so the default has
			-- set a number already.
			IF new.id !~ '^[0-9]+$' THEN
				new.id := nextval(quote_ident('kedge_' || tg_table_name || '_id'));
			END IF;
			RETURN new;
		END
		$body$;
		EXECUTE format('CREATE TRIGGER kedge_number_id BEFORE INSERT ON %s'
			' FOR EACH ROW EXECUTE FUNCTION kedge_number_id()', t);
	END LOOP;

	FOR k IN SELECT * FROM jsonb_to_recordset(coalesce(keys, '[]'))
		AS k ("of" text, name text, definition text)
	LOOP
		EXECUTE format('ALTER TABLE %s ADD CONSTRAINT %I %s', k."of", k.name, k.definition);
	END LOOP;
END
$adopt$;
