#include "adopt_roles.h"

#include <inttypes.h>
#include <regex.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "db/db.h"
#include "db/db_script.h"

#include "adopt_look.h"
#include "file.h"
#include "message.h"

#define OWNER "auth_owner"
#define MARK "made by kedge adopt"

struct plan {
	struct arena *arena;
	const struct adopt_facts *f;
	const struct adopt_power *power;
	struct adopt_roles *roles;
	const char *database; /* quoted, as are the roles below */
	const char *from, *owner;
};

static const char *
quoted(struct arena *a, const char *name, char quote)
{
	struct buf b;

	buf_init(&b, a, FILE_MAX_BYTES);
	buf_putc(&b, quote);
	for (; *name != '\0'; name++) {
		if (*name == quote)
			buf_putc(&b, quote);
		buf_putc(&b, *name);
	}
	buf_putc(&b, quote);
	return b.data;
}

static void
step(struct plan *p, const char *sql, const char *undo)
{
	struct adopt_roles *r = p->roles;

	if (r->nsteps < ADOPT_STEPS_MAX)
		r->steps[r->nsteps++] =
		    (struct adopt_step){ .sql = sql, .undo = undo };
}

static void
lack(struct plan *p, bool lacks, const char *what)
{
	struct adopt_roles *r = p->roles;

	if (lacks && !p->power->is_superuser)
		r->lacks = r->lacks == NULL ? what
		                            : arena_printf(p->arena, "%s; %s",
						  r->lacks, what);
}

/* -- who is to own the tables -- */

static const char *
owner_now(const struct adopt_facts *f)
{
	const struct adopt_table *user = adopt_find_table(f, "user");

	return user != NULL ? user->owner : "";
}

/* The core table that belongs to another role than "user"; NULL: none. */
static const struct adopt_table *
other_owner(const struct adopt_facts *f)
{
	for (int i = 0; i < ADOPT_CORE__MAX; i++) {
		const struct adopt_table *t =
		    adopt_find_table(f, adopt_core_tables[i]);

		if (t != NULL && !str_eq(t->owner, owner_now(f)))
			return t;
	}
	return NULL;
}

static const char *
problem_of(const struct plan *p)
{
	const struct adopt_facts *f = p->f;
	const struct adopt_table *other = other_owner(f);
	const char *owner = owner_now(f);

	if (f->role_is_superuser)
		return "the role auth is a superuser, and the service would "
		       "be one: ALTER ROLE auth NOSUPERUSER";
	if (other != NULL)
		return arena_printf(p->arena,
		    "the table \"user\" belongs to %s and %s to %s: give them "
		    "one owner (ALTER TABLE \"%s\" OWNER TO %s)",
		    owner, other->name, other->owner, other->name, owner);
	if (!p->roles->transfers && !str_eq(owner, f->user) &&
	    !str_eq(owner, OWNER))
		return arena_printf(p->arena,
		    "the tables belong to the role %s: name its connection "
		    "string in --from (as %s cannot become their owner); that "
		    "of %s, if it is an administrator, belongs in --admin",
		    owner, f->user, f->user);
	if (!p->roles->transfers && str_eq(owner, OWNER) &&
	    !str_eq(f->user, OWNER) && !f->owner_role_is_made_by_us)
		return "the tables belong to the role auth_owner: name its "
		       "connection string in --from";
	return NULL;
}

/* -- the steps -- */

static void
make_owner(struct plan *p, const char *password)
{
	const struct adopt_facts *f = p->f;
	struct arena *a = p->arena;

	if (!f->has_owner_role) {
		step(p,
		    arena_printf(
			a, "CREATE ROLE " OWNER " LOGIN PASSWORD %s", password),
		    "DROP ROLE IF EXISTS " OWNER);
		step(p, "COMMENT ON ROLE " OWNER " IS '" MARK "'", NULL);
	} else {
		step(p,
		    arena_printf(
			a, "ALTER ROLE " OWNER " LOGIN PASSWORD %s", password),
		    NULL);
	}
	p->roles->makes_owner = true;
	if (f->has_owner_role && p->roles->renewed == NULL)
		p->roles->renewed = OWNER;
	lack(p, !p->power->may_create_roles, "it cannot create roles");
	step(p,
	    arena_printf(a, "GRANT CONNECT, TEMPORARY ON DATABASE %s TO " OWNER,
		p->database),
	    arena_printf(
		a, "REVOKE ALL ON DATABASE %s FROM " OWNER, p->database));
	step(p, "GRANT USAGE, CREATE ON SCHEMA public TO " OWNER,
	    "REVOKE ALL ON SCHEMA public FROM " OWNER);
}

/* Gives BetterAuth's tables to auth_owner. */
static void
transfer(struct plan *p)
{
	const struct adopt_facts *f = p->f;
	struct arena *a = p->arena;
	const char *was = quoted(a, owner_now(f), '"');
	bool is_auth = str_eq(owner_now(f), "auth");
	const char *user = is_auth ? "auth" : p->from;

	lack(p, true, "only a superuser can give the tables another owner");
	/*
	 * The undo gives all tables of the role back, also tables that were
	 * made since the adoption.
	 */
	step(p, is_auth ? "REASSIGN OWNED BY auth TO " OWNER : "SELECT 1",
	    arena_printf(a, "REASSIGN OWNED BY " OWNER " TO %s", was));
	for (int i = 0; i < f->ntables && !is_auth; i++) {
		const struct adopt_table *t = &f->tables[i];
		const char *name = quoted(a, t->name, '"');

		if ((t->is_core || t->plugin != NULL) &&
		    str_eq(t->owner, owner_now(f)))
			step(p,
			    arena_printf(a,
				"ALTER TABLE public.%s OWNER TO " OWNER, name),
			    NULL);
	}
	if (is_auth) {
		step(p,
		    "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN "
		    "SCHEMA public TO auth",
		    NULL);
		step(p, "GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO auth",
		    NULL);
	}
	step(p,
	    "DO $$ BEGIN IF to_regproc('public.kedge_number_id') IS NOT NULL "
	    "THEN ALTER FUNCTION public.kedge_number_id() OWNER TO " OWNER
	    "; END IF; END $$",
	    NULL);
	if (is_auth || !f->is_superuser) {
		step(p,
		    arena_printf(a,
			"ALTER DEFAULT PRIVILEGES FOR ROLE " OWNER
			" IN SCHEMA public GRANT SELECT, INSERT, UPDATE, "
			"DELETE ON TABLES TO %s",
			user),
		    arena_printf(a,
			"ALTER DEFAULT PRIVILEGES FOR ROLE " OWNER
			" IN SCHEMA public REVOKE ALL ON TABLES FROM %s",
			user));
		step(p,
		    arena_printf(a,
			"ALTER DEFAULT PRIVILEGES FOR ROLE " OWNER
			" IN SCHEMA public GRANT USAGE ON SEQUENCES TO %s",
			user),
		    arena_printf(a,
			"ALTER DEFAULT PRIVILEGES FOR ROLE " OWNER
			" IN SCHEMA public REVOKE ALL ON SEQUENCES FROM %s",
			user));
	}
}

static void
make_auth(struct plan *p, const struct adopt_roles_wanted *w)
{
	const struct adopt_facts *f = p->f;
	struct arena *a = p->arena;
	const char *revoke = f->has_role && !f->role_is_made_by_us
	                         ? "REVOKE ALL ON %s FROM auth"
	                         : NULL;

	if (!f->has_role) {
		step(p,
		    arena_printf(a,
			"CREATE ROLE auth LOGIN PASSWORD %s CONNECTION LIMIT "
			"%" PRId64,
			w->auth_password, w->connections),
		    "DROP ROLE IF EXISTS auth");
		step(p, "COMMENT ON ROLE auth IS '" MARK "'", NULL);
	} else if (!w->keep_password && f->role_is_made_by_us) {
		step(p,
		    arena_printf(
			a, "ALTER ROLE auth PASSWORD %s", w->auth_password),
		    NULL);
	}
	p->roles->makes_auth = p->roles->nsteps > 0 &&
	                       strstr(p->roles->steps[p->roles->nsteps - 1].sql,
				   "ROLE auth ") != NULL;
	if (p->roles->makes_auth && f->has_role)
		p->roles->renewed = "auth";
	lack(p, p->roles->makes_auth && !p->power->may_create_roles,
	    "it cannot create roles");
	if (!f->role_may_connect) {
		step(p,
		    arena_printf(
			a, "GRANT CONNECT ON DATABASE %s TO auth", p->database),
		    revoke == NULL
			? NULL
			: arena_printf(a, "REVOKE ALL ON DATABASE %s FROM auth",
			      p->database));
		lack(p, !p->power->owns_database && !f->public_may_connect,
		    "it does not own the database");
	}
	if (!f->role_may_use_schema) {
		step(p, "GRANT USAGE ON SCHEMA public TO auth",
		    revoke == NULL ? NULL
				   : "REVOKE ALL ON SCHEMA public FROM auth");
		lack(p, !p->power->owns_schema,
		    "it does not own the schema public");
	}
}

/*
 * BetterAuth's role keeps what it may do as a part of PUBLIC, and as the owner
 * of the tables it runs the migrations, which make temporary objects.
 */
static void
keep(struct plan *p)
{
	const struct adopt_facts *f = p->f;
	struct arena *a = p->arena;

	if (str_eq(f->user, "auth"))
		return;
	if (!f->owns_database &&
	    (f->public_may_create_temporary || !f->may_create_temporary)) {
		step(p,
		    arena_printf(a, "GRANT TEMPORARY ON DATABASE %s TO %s",
			p->database, p->from),
		    NULL);
		lack(p, !p->power->owns_database,
		    "it does not own the database, and cannot grant "
		    "TEMPORARY");
	}
	if (!f->owns_schema && (f->public_may_create || !f->may_create)) {
		step(p,
		    arena_printf(
			a, "GRANT CREATE ON SCHEMA public TO %s", p->from),
		    NULL);
		lack(p, !p->power->owns_schema,
		    "it does not own the schema public, and cannot grant "
		    "CREATE");
	}
}

/* A role that may create objects could act as the owner (privileges.h). */
static void
secure(struct plan *p)
{
	const struct adopt_facts *f = p->f;
	struct arena *a = p->arena;

	if (f->public_may_create_temporary) {
		step(p,
		    arena_printf(a,
			"REVOKE TEMPORARY ON DATABASE %s FROM PUBLIC",
			p->database),
		    arena_printf(a, "GRANT TEMPORARY ON DATABASE %s TO PUBLIC",
			p->database));
		lack(p, !p->power->owns_database,
		    "it does not own the database, and cannot revoke "
		    "TEMPORARY from PUBLIC");
	}
	if (f->public_may_create_schemas)
		step(p,
		    arena_printf(a, "REVOKE CREATE ON DATABASE %s FROM PUBLIC",
			p->database),
		    arena_printf(a, "GRANT CREATE ON DATABASE %s TO PUBLIC",
			p->database));
	if (!f->public_may_create)
		return;
	step(p, "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
	    "GRANT CREATE ON SCHEMA public TO PUBLIC");
	lack(p, !p->power->owns_schema,
	    "it does not own the schema public, and cannot revoke CREATE from "
	    "PUBLIC");
}

void
adopt_roles_plan(const struct adopt_facts *f,
    const struct adopt_roles_wanted *wanted, const struct adopt_power *power,
    struct adopt_roles *ret)
{
	struct arena *a = f->arena;
	struct plan p = {
		.arena = a,
		.f = f,
		.power = power,
		.roles = ret,
		.database = quoted(a, f->database, '"'),
		.from = quoted(a, f->user, '"'),
	};

	*ret = (struct adopt_roles){ 0 };
	ret->transfers = f->owner_is_superuser || str_eq(owner_now(f), "auth");
	ret->owner = ret->transfers ? OWNER : owner_now(f);
	ret->problem = problem_of(&p);
	if (ret->problem != NULL)
		return;
	make_auth(&p, wanted);
	if (ret->transfers ||
	    (str_eq(ret->owner, OWNER) && f->owner_role_is_made_by_us &&
		!str_eq(f->user, OWNER)))
		make_owner(&p, wanted->owner_password);
	if (ret->transfers)
		transfer(&p);
	keep(&p);
	secure(&p);
}

const char *
adopt_roles_sql(struct arena *a, const struct adopt_roles *r)
{
	struct buf b;

	buf_init(&b, a, FILE_MAX_BYTES);
	for (int i = 0; i < r->nsteps; i++)
		buf_printf(&b, "%s;\n", r->steps[i].sql);
	return b.data;
}

const char *
adopt_record_sql(struct arena *a, const struct adopt_roles *r, int64_t accepted)
{
	struct buf b;

	buf_init(&b, a, FILE_MAX_BYTES);
	for (int i = r->nsteps - 1; i >= 0; i--)
		if (r->steps[i].undo != NULL)
			buf_printf(&b, "%s;\n", r->steps[i].undo);
	return arena_printf(a,
	    "CREATE TABLE IF NOT EXISTS public.kedge_adoption (\n"
	    "	number integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,\n"
	    "	at timestamptz NOT NULL DEFAULT now(),\n"
	    "	accepted_lockout bigint NOT NULL,\n"
	    "	transfers boolean NOT NULL,\n"
	    "	undo text NOT NULL\n"
	    ");\n"
	    "INSERT INTO public.kedge_adoption (accepted_lockout, transfers, "
	    "undo)\n"
	    "VALUES (%" PRId64 ", %s, %s);\n",
	    accepted, r->transfers ? "true" : "false", quoted(a, b.data, '\''));
}

/* -- what a connection may do -- */

static const char power_sql[] =
    "SELECT current_user, r.rolsuper, r.rolcreaterole,"
    " pg_has_role(d.datdba, 'USAGE'), pg_has_role(n.nspowner, 'USAGE'),"
    " coalesce((SELECT current_setting('server_version_num')::integer < 160000"
    " OR pg_has_role(x.oid, 'USAGE WITH ADMIN OPTION') FROM pg_roles x"
    " WHERE x.rolname = 'auth'), true)"
    " FROM pg_roles r, pg_database d, pg_namespace n"
    " WHERE r.rolname = current_user AND d.datname = current_database()"
    " AND n.nspname = 'public'";

bool
adopt_power_read(
    struct arena *a, struct db_script *script, struct adopt_power *ret_power)
{
	struct db_rows rows;

	if (db_script_query(script, a, power_sql, DB_NO_ARGS, &rows) !=
		ERR_OK ||
	    rows.count != 1) {
		print_error("cannot read the administrator's rights: %s",
		    db_script_problem(script));
		return false;
	}
	*ret_power = (struct adopt_power){
		.user = db_get_text(&rows, 0, 0),
		.is_superuser = db_get_bool(&rows, 0, 1),
		.may_create_roles = db_get_bool(&rows, 0, 2),
		.owns_database = db_get_bool(&rows, 0, 3),
		.owns_schema = db_get_bool(&rows, 0, 4),
		.may_drop_auth = db_get_bool(&rows, 0, 5),
	};
	return true;
}

/* -- the way back -- */

/*
 * What the migrations have made, in the order in which it can be dropped. The
 * columns that they have added to BetterAuth's tables allow NULL and stay,
 * because they may have values; so does what makes ids, after adopt_ids.sql.
 */
static const char drops_sql[] =
    "WITH ours AS (SELECT c.oid, c.relkind, c.relname FROM pg_class c"
    " WHERE c.relnamespace = 'public'::regnamespace"
    " AND c.relkind IN ('r', 'p', 'v')"
    " AND (c.relname ~ '^(kedge_|job_|webhook_|audit_)'"
    " OR c.relname IN ('job', 'webhook', 'service_account'))"
    " AND c.relname <> 'kedge_adoption'),"
    " functions AS (SELECT p.oid FROM pg_proc p"
    " WHERE p.pronamespace = 'public'::regnamespace"
    " AND (p.proname ~ '^(kedge_|job_|webhook_|audit_)' OR p.proname = "
    "'uuidv7')"
    " AND p.proname <> 'kedge_number_id'"
    " AND NOT EXISTS (SELECT FROM pg_depend d"
    " WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid"
    " AND d.deptype = 'e')),"
    " drops (rank, line) AS ("
    " SELECT 1, format('DROP TRIGGER %I ON %s', t.tgname, t.tgrelid::regclass)"
    " FROM pg_trigger t WHERE NOT t.tgisinternal"
    " AND t.tgfoid IN (SELECT oid FROM functions)"
    " AND t.tgrelid NOT IN (SELECT oid FROM ours)"
    " UNION ALL SELECT 1, format('DROP INDEX %s', i.indexrelid::regclass)"
    " FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
    " WHERE c.relnamespace = 'public'::regnamespace"
    " AND c.relname ~ '^kedge_' AND i.indrelid NOT IN (SELECT oid FROM ours)"
    " AND i.indrelid <> to_regclass('public.kedge_adoption')"
    " UNION ALL SELECT 2, format('DROP VIEW %s', oid::regclass) FROM ours"
    " WHERE relkind = 'v'"
    " UNION ALL SELECT 3, 'DROP TABLE ' || string_agg(oid::regclass::text,"
    " ', ' ORDER BY relname) || ' CASCADE' FROM ours WHERE relkind <> 'v'"
    " HAVING count(*) > 0"
    " UNION ALL SELECT 4, 'DROP ROUTINE IF EXISTS ' || string_agg("
    "oid::regprocedure::text, ', ') FROM functions HAVING count(*) > 0"
    " UNION ALL SELECT 5, format('DROP DOMAIN %s', oid::regtype) FROM pg_type"
    " WHERE typnamespace = 'public'::regnamespace AND typtype = 'd'"
    " AND typname ~ '^(kedge_|job_|webhook_|audit_)'"
    " UNION ALL SELECT 6, 'REVOKE ALL ON ALL TABLES IN SCHEMA public FROM "
    "auth' FROM kedge_adoption WHERE undo LIKE '%DROP ROLE IF EXISTS auth;%'"
    " UNION ALL SELECT 7, 'REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM "
    "auth' FROM kedge_adoption WHERE undo LIKE '%DROP ROLE IF EXISTS auth;%')"
    " SELECT coalesce(string_agg(line || E';\\n', '' ORDER BY rank), '')"
    " FROM drops";

static const char record_sql[] =
    "SELECT coalesce(string_agg(undo, '' ORDER BY number DESC), ''),"
    " coalesce(bool_or(transfers), false),"
    " quote_ident(current_database()) FROM public.kedge_adoption";

static const char hosts_sql[] =
    "SELECT count(*) FROM public.kedge_session_host WHERE expires_at > now()";

static bool
query(struct db_script *script, struct arena *a, const char *sql,
    struct db_rows *ret_rows)
{
	if (db_script_query(script, a, sql, DB_NO_ARGS, ret_rows) == ERR_OK)
		return true;
	print_error("cannot read the adoption: %s", db_script_problem(script));
	return false;
}

static bool
exists(struct db_script *script, struct arena *a, const char *table,
    bool *ret_exists)
{
	struct db_rows rows;

	if (!query(script, a,
		arena_printf(
		    a, "SELECT to_regclass('public.%s') IS NOT NULL", table),
		&rows))
		return false;
	*ret_exists = db_get_bool(&rows, 0, 0);
	return true;
}

/*
 * The statements of the record are run by an administrator, and the owner of
 * the table could have changed them: so only statements that this program
 * writes are accepted.
 */
#define QUOTED "\"([^\"]|\"\")+\""
static const char known_undo[] =
    "^(DROP ROLE IF EXISTS (auth|" OWNER ")"
    "|REVOKE ALL ON (DATABASE " QUOTED "|SCHEMA public) FROM (auth|" OWNER ")"
    "|REASSIGN OWNED BY " OWNER " TO " QUOTED "|ALTER DEFAULT PRIVILEGES FOR "
    "ROLE " OWNER " IN SCHEMA public REVOKE ALL ON (TABLES|SEQUENCES) FROM "
    "(" QUOTED "|auth)"
    "|GRANT (TEMPORARY|CREATE) ON DATABASE " QUOTED " TO PUBLIC"
    "|GRANT CREATE ON SCHEMA public TO PUBLIC);$";

static bool
is_known(struct arena *a, const char *undo)
{
	char *at = arena_strdup(a, undo), *line;
	regex_t pattern;
	bool ok = true;

	if (regcomp(&pattern, known_undo, REG_EXTENDED | REG_NOSUB) != 0)
		abort();
	while (ok && (line = strsep(&at, "\n")) != NULL)
		ok = *line == '\0' || regexec(&pattern, line, 0, NULL, 0) == 0;
	regfree(&pattern);
	if (!ok)
		print_error("the table kedge_adoption has a statement that "
			    "\"kedge adopt\" does not write: somebody has "
			    "changed it. Nothing was run");
	return ok;
}

/*
 * Privileges on the database and the schema must be revoked before a role can
 * be dropped.
 */
static const char *
admin_sql(
    struct arena *a, const char *undo, const char *database, bool transfers)
{
	bool drops = strstr(undo, "DROP ROLE IF EXISTS auth;") != NULL;

	return arena_printf(a, "%s%s%s%s",
	    transfers ? "DROP TABLE public.kedge_adoption;\n" : "",
	    drops ? "REVOKE ALL ON SCHEMA public FROM auth;\n" : "",
	    drops ? arena_printf(
			a, "REVOKE ALL ON DATABASE %s FROM auth;\n", database)
		  : "",
	    undo);
}

const char *
adopt_way_back_lacks(struct arena *a, const struct adopt_way_back *back,
    const struct adopt_power *power)
{
	const struct {
		const char *statement;
		bool may;
		const char *what;
	} needs[] = {
		{ "REASSIGN OWNED BY ", false,
		    "only a superuser can give the tables another owner" },
		{ "DROP ROLE IF EXISTS ",
		    power->may_create_roles && power->may_drop_auth,
		    "it cannot drop roles" },
		{ " ON DATABASE ", power->owns_database,
		    "it does not own the database" },
		{ " ON SCHEMA public ", power->owns_schema,
		    "it does not own the schema public" },
	};
	const char *list = NULL;

	for (size_t i = 0; i < COUNT_OF(needs) && !power->is_superuser; i++)
		if (!needs[i].may &&
		    strstr(back->admin_sql, needs[i].statement) != NULL)
			list = list == NULL ? needs[i].what
			                    : arena_printf(a, "%s; %s", list,
						  needs[i].what);
	return list;
}

bool
adopt_hosts_read(struct arena *a, struct db_script *script, int64_t *ret_hosts)
{
	struct db_rows hosts;
	bool has_hosts;

	*ret_hosts = 0;
	if (!exists(script, a, "kedge_session_host", &has_hosts))
		return false;
	if (!has_hosts)
		return true;
	if (!query(script, a, hosts_sql, &hosts))
		return false;
	*ret_hosts = db_get_i64(&hosts, 0, 0);
	return true;
}

bool
adopt_way_back_read(
    struct arena *a, struct db_script *script, struct adopt_way_back *ret)
{
	struct db_rows record, drops;

	*ret = (struct adopt_way_back){ 0 };
	if (!exists(script, a, "kedge_adoption", &ret->is_adopted))
		return false;
	if (!ret->is_adopted)
		return true;
	if (!query(script, a, record_sql, &record) ||
	    !query(script, a, drops_sql, &drops) ||
	    !adopt_hosts_read(a, script, &ret->hosts) ||
	    !is_known(a, db_get_text(&record, 0, 0)))
		return false;
	ret->owner_sql = db_get_text(&drops, 0, 0);
	ret->admin_sql = admin_sql(a, db_get_text(&record, 0, 0),
	    db_get_text(&record, 0, 2), db_get_bool(&record, 0, 1));
	if (!db_get_bool(&record, 0, 1))
		ret->last_sql = "DROP TABLE public.kedge_adoption;\n";
	return true;
}
