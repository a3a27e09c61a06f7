#include "adopt_look.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/str.h"
#include "db/db.h"
#include "db/db_script.h"

#include "message.h"

const char *const adopt_core_tables[ADOPT_CORE__MAX] = {
	[ADOPT_USER] = "user",
	[ADOPT_SESSION] = "session",
	[ADOPT_ACCOUNT] = "account",
	[ADOPT_VERIFICATION] = "verification",
};

/* -- what belongs to which plugin -- */

enum plugin {
	ADMIN,
	USERNAME,
	TWO_FACTOR,
	PASSKEY,
	ORGANIZATION,
	API_KEY,
	JWT,
	OIDC_PROVIDER,
	OAUTH_PROVIDER,
	DEVICE_AUTHORIZATION,
	ANONYMOUS,
	PHONE_NUMBER,
	LAST_LOGIN_METHOD,
	SSO,
	SCIM,
	STRIPE,
	SIWE,
	NPLUGINS
};

/* t/22-adopt.t compares `works` with services/auth/plugins.c. */
const struct adopt_plugin adopt_plugins[] = {
	[ADMIN] = { "admin", .works = true },
	[USERNAME] = { "username", .works = true },
	[TWO_FACTOR] = { "two-factor", .works = true },
	[PASSKEY] = { "passkey", .works = false },
	[ORGANIZATION] = { "organization", .works = false },
	[API_KEY] = { "api-key", .works = false },
	[JWT] = { "jwt", .works = false },
	[OIDC_PROVIDER] = { "oidc-provider", .works = false },
	[OAUTH_PROVIDER] = { "oauth-provider", .works = false },
	[DEVICE_AUTHORIZATION] = { "device-authorization", .works = false },
	[ANONYMOUS] = { "anonymous", .works = false },
	[PHONE_NUMBER] = { "phone-number", .works = false },
	[LAST_LOGIN_METHOD] = { "last-login-method", .works = false },
	[SSO] = { "sso", .works = false },
	[SCIM] = { "scim", .works = false },
	[STRIPE] = { "stripe", .works = false },
	[SIWE] = { "siwe", .works = false },
	[NPLUGINS] = { 0 },
};

static const struct {
	const char *table;
	enum plugin plugin;
} plugin_tables[] = {
	{ "twoFactor", TWO_FACTOR },
	{ "passkey", PASSKEY },
	{ "organization", ORGANIZATION },
	{ "member", ORGANIZATION },
	{ "invitation", ORGANIZATION },
	{ "team", ORGANIZATION },
	{ "teamMember", ORGANIZATION },
	{ "organizationRole", ORGANIZATION },
	{ "apikey", API_KEY },
	{ "jwks", JWT },
	{ "oauthApplication", OIDC_PROVIDER },
	{ "oauthConsent", OIDC_PROVIDER },
	{ "oauthAccessToken", OIDC_PROVIDER },
	{ "oauthClient", OAUTH_PROVIDER },
	{ "oauthRefreshToken", OAUTH_PROVIDER },
	{ "oauthResource", OAUTH_PROVIDER },
	{ "deviceCode", DEVICE_AUTHORIZATION },
	{ "ssoProvider", SSO },
	{ "scimProvider", SCIM },
	{ "subscription", STRIPE },
	{ "walletAddress", SIWE },
};

static const struct {
	const char *table, *column;
	enum plugin plugin;
} plugin_columns[] = {
	{ "user", "role", ADMIN },
	{ "user", "banned", ADMIN },
	{ "user", "banReason", ADMIN },
	{ "user", "banExpires", ADMIN },
	{ "session", "impersonatedBy", ADMIN },
	{ "user", "username", USERNAME },
	{ "user", "displayUsername", USERNAME },
	{ "user", "twoFactorEnabled", TWO_FACTOR },
	{ "user", "isAnonymous", ANONYMOUS },
	{ "user", "phoneNumber", PHONE_NUMBER },
	{ "user", "phoneNumberVerified", PHONE_NUMBER },
	{ "user", "lastLoginMethod", LAST_LOGIN_METHOD },
	{ "user", "stripeCustomerId", STRIPE },
	{ "session", "activeOrganizationId", ORGANIZATION },
	{ "session", "activeTeamId", ORGANIZATION },
};

static const struct {
	const char *table, *column;
} core_columns[] = {
	{ "user", "id" },
	{ "user", "name" },
	{ "user", "email" },
	{ "user", "emailVerified" },
	{ "user", "image" },
	{ "user", "createdAt" },
	{ "user", "updatedAt" },
	{ "session", "id" },
	{ "session", "expiresAt" },
	{ "session", "token" },
	{ "session", "createdAt" },
	{ "session", "updatedAt" },
	{ "session", "ipAddress" },
	{ "session", "userAgent" },
	{ "session", "userId" },
	{ "account", "id" },
	{ "account", "accountId" },
	{ "account", "providerId" },
	{ "account", "userId" },
	{ "account", "accessToken" },
	{ "account", "refreshToken" },
	{ "account", "idToken" },
	{ "account", "accessTokenExpiresAt" },
	{ "account", "refreshTokenExpiresAt" },
	{ "account", "scope" },
	{ "account", "password" },
	{ "account", "createdAt" },
	{ "account", "updatedAt" },
	{ "account", "issuer" }, /* of 1.7.0 and 1.7.1 */
	{ "verification", "id" },
	{ "verification", "identifier" },
	{ "verification", "value" },
	{ "verification", "expiresAt" },
	{ "verification", "createdAt" },
	{ "verification", "updatedAt" },
};

static const struct adopt_plugin *
plugin_of_table(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(plugin_tables); i++)
		if (str_eq(plugin_tables[i].table, name))
			return &adopt_plugins[plugin_tables[i].plugin];
	return NULL;
}

static const struct adopt_plugin *
plugin_of_column(const char *table, const char *column)
{
	for (size_t i = 0; i < COUNT_OF(plugin_columns); i++)
		if (str_eq(plugin_columns[i].table, table) &&
		    str_eq(plugin_columns[i].column, column))
			return &adopt_plugins[plugin_columns[i].plugin];
	return NULL;
}

static bool
is_core_column(const char *table, const char *column)
{
	if (str_eq(table, "twoFactor"))
		return true;
	for (size_t i = 0; i < COUNT_OF(core_columns); i++)
		if (str_eq(core_columns[i].table, table) &&
		    str_eq(core_columns[i].column, column))
			return true;
	return false;
}

static bool
is_core_table(const char *name)
{
	for (size_t i = 0; i < ADOPT_CORE__MAX; i++)
		if (str_eq(adopt_core_tables[i], name))
			return true;
	return str_eq(name, "rateLimit");
}

/* Whether the migrations of auth make a table of this name. */
static bool
is_own_table(const char *name)
{
	return str_eq(name, "service_account") || str_eq(name, "job") ||
	       str_has_prefix(name, "job_") || str_eq(name, "webhook") ||
	       str_has_prefix(name, "webhook_") ||
	       str_has_prefix(name, "audit_") || str_has_prefix(name, "kedge_");
}

const struct adopt_table *
adopt_find_table(const struct adopt_facts *f, const char *name)
{
	for (int i = 0; i < f->ntables; i++)
		if (str_eq(f->tables[i].name, name))
			return &f->tables[i];
	return NULL;
}

const struct adopt_column *
adopt_find_column(
    const struct adopt_facts *f, const char *table, const char *name)
{
	for (int i = 0; i < f->ncolumns; i++)
		if (str_eq(f->columns[i].table, table) &&
		    str_eq(f->columns[i].name, name))
			return &f->columns[i];
	return NULL;
}

/* -- reading -- */

struct look {
	struct arena *arena;
	struct db_script *script;
	struct adopt_facts *facts;
};

static bool
query(struct look *l, const char *sql, struct db_rows *ret_rows)
{
	if (db_script_query(l->script, l->arena, sql, DB_NO_ARGS, ret_rows) ==
	    ERR_OK)
		return true;
	print_error(
	    "cannot read the database: %s", db_script_problem(l->script));
	return false;
}

static bool
count(struct look *l, const char *sql, int64_t *ret_n)
{
	struct db_rows rows;

	if (!query(l, sql, &rows))
		return false;
	*ret_n = db_get_i64(&rows, 0, 0);
	return true;
}

static const char server_sql[] =
    "SELECT current_setting('server_version'),"
    " current_setting('server_version_num')::bigint, current_database(),"
    " pg_encoding_to_char(d.encoding), pg_database_size(d.oid),"
    " current_setting('max_connections')::bigint, pg_is_in_recovery(),"
    " current_setting('fsync')::boolean,"
    " current_setting('synchronous_commit') <> 'off',"
    " current_user, r.rolsuper, r.rolcreaterole,"
    " pg_has_role(d.datdba, 'USAGE'), pg_has_role(n.nspowner, 'USAGE'),"
    " has_database_privilege('public', d.oid, 'CONNECT'),"
    " has_database_privilege('public', d.oid, 'TEMPORARY'),"
    " has_database_privilege('public', d.oid, 'CREATE'),"
    " has_schema_privilege('public', n.oid, 'CREATE'),"
    " has_database_privilege(d.oid, 'TEMPORARY'),"
    " has_schema_privilege(n.oid, 'CREATE'),"
    " to_regclass('public.kedge_migration') IS NOT NULL"
    " OR to_regclass('public.kedge_adoption') IS NOT NULL,"
    " coalesce((SELECT x.nspname FROM pg_class c"
    " JOIN pg_namespace x ON x.oid = c.relnamespace"
    " WHERE c.oid = to_regclass('\"user\"')), '')"
    " FROM pg_database d, pg_roles r, pg_namespace n"
    " WHERE d.datname = current_database() AND r.rolname = current_user"
    " AND n.nspname = 'public'";

static bool
look_at_server(struct look *l)
{
	struct adopt_facts *f = l->facts;
	struct db_rows r;
	int c = 0;

	if (!query(l, server_sql, &r))
		return false;
	if (r.count != 1) {
		print_error("the database has no schema public; auth keeps its "
			    "tables there");
		return false;
	}
	f->version = db_get_text(&r, 0, c++);
	f->version_number = db_get_i64(&r, 0, c++);
	f->database = db_get_text(&r, 0, c++);
	f->encoding = db_get_text(&r, 0, c++);
	f->database_bytes = db_get_i64(&r, 0, c++);
	f->max_connections = db_get_i64(&r, 0, c++);
	f->in_recovery = db_get_bool(&r, 0, c++);
	f->fsync = db_get_bool(&r, 0, c++);
	f->synchronous_commit = db_get_bool(&r, 0, c++);
	f->user = db_get_text(&r, 0, c++);
	f->is_superuser = db_get_bool(&r, 0, c++);
	f->may_create_roles = db_get_bool(&r, 0, c++);
	f->owns_database = db_get_bool(&r, 0, c++);
	f->owns_schema = db_get_bool(&r, 0, c++);
	f->public_may_connect = db_get_bool(&r, 0, c++);
	f->public_may_create_temporary = db_get_bool(&r, 0, c++);
	f->public_may_create_schemas = db_get_bool(&r, 0, c++);
	f->public_may_create = db_get_bool(&r, 0, c++);
	f->may_create_temporary = db_get_bool(&r, 0, c++);
	f->may_create = db_get_bool(&r, 0, c++);
	f->is_adopted = db_get_bool(&r, 0, c++);
	f->schema = db_get_text(&r, 0, c++);
	return true;
}

static const char roles_sql[] =
    "SELECT a.oid IS NOT NULL, coalesce(a.rolsuper, false),"
    " coalesce(shobj_description(a.oid, 'pg_authid') = 'made by kedge adopt',"
    " false), a.oid IS NOT NULL AND has_database_privilege(a.oid,"
    " current_database(), 'CONNECT'), a.oid IS NOT NULL AND"
    " has_schema_privilege(a.oid, 'public', 'USAGE'),"
    " o.oid IS NOT NULL, coalesce(shobj_description(o.oid, 'pg_authid') ="
    " 'made by kedge adopt', false), coalesce((SELECT x.rolsuper"
    " FROM pg_class c JOIN pg_roles x ON x.oid = c.relowner"
    " WHERE c.oid = to_regclass('public.\"user\"')), false)"
    " FROM (VALUES (1)) one LEFT JOIN pg_roles a ON a.rolname = 'auth'"
    " LEFT JOIN pg_roles o ON o.rolname = 'auth_owner'";

static bool
look_at_roles(struct look *l)
{
	struct adopt_facts *f = l->facts;
	struct db_rows r;
	int c = 0;

	if (!query(l, roles_sql, &r))
		return false;
	f->has_role = db_get_bool(&r, 0, c++);
	f->role_is_superuser = db_get_bool(&r, 0, c++);
	f->role_is_made_by_us = db_get_bool(&r, 0, c++);
	f->role_may_connect = db_get_bool(&r, 0, c++);
	f->role_may_use_schema = db_get_bool(&r, 0, c++);
	f->has_owner_role = db_get_bool(&r, 0, c++);
	f->owner_role_is_made_by_us = db_get_bool(&r, 0, c++);
	f->owner_is_superuser = db_get_bool(&r, 0, c++);
	return true;
}

static const char tables_sql[] =
    "SELECT c.relname, pg_get_userbyid(c.relowner),"
    " pg_total_relation_size(c.oid), EXISTS (SELECT FROM pg_constraint k"
    " WHERE k.conrelid = c.oid AND k.contype = 'f'"
    " AND k.confrelid = to_regclass('public.\"user\"')),"
    " has_table_privilege(c.oid, 'SELECT'), quote_ident(c.relname),"
    " c.reltuples::bigint"
    " FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace"
    " AND c.relkind IN ('r', 'p') ORDER BY c.relname LIMIT 501";

static bool
look_at_tables(struct look *l)
{
	struct adopt_facts *f = l->facts;
	struct db_rows r;

	if (!query(l, tables_sql, &r))
		return false;
	if (r.count > ADOPT_TABLES_MAX) {
		print_error("the schema public has more than %d tables: this "
			    "is not only a database of BetterAuth",
		    ADOPT_TABLES_MAX);
		return false;
	}
	for (int i = 0; i < r.count; i++) {
		struct adopt_table *t = &f->tables[f->ntables++];

		t->name = db_get_text(&r, i, 0);
		t->owner = db_get_text(&r, i, 1);
		t->bytes = db_get_i64(&r, i, 2);
		t->refers_to_user = db_get_bool(&r, i, 3);
		t->plugin = plugin_of_table(t->name);
		t->is_core = is_core_table(t->name);
		t->is_ours = is_own_table(t->name);
		t->rows = db_get_i64(&r, i, 6);
		if ((t->is_core || t->plugin != NULL) &&
		    db_get_bool(&r, i, 4) &&
		    !count(l,
			arena_printf(l->arena, "SELECT count(*) FROM public.%s",
			    db_get_text(&r, i, 5)),
			&t->rows))
			return false;
	}
	return true;
}

static const char columns_sql[] =
    "SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod),"
    " a.attnotnull AND NOT a.atthasdef AND a.attidentity = '',"
    " quote_ident(c.relname), quote_ident(a.attname)"
    " FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
    " WHERE c.relnamespace = 'public'::regnamespace"
    " AND c.relname IN ('user', 'session', 'account', 'verification',"
    " 'twoFactor')"
    " AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped"
    " ORDER BY c.relname, a.attnum LIMIT 401";

static bool
look_at_columns(struct look *l)
{
	struct adopt_facts *f = l->facts;
	struct db_rows r;

	if (!query(l, columns_sql, &r))
		return false;
	if (r.count > ADOPT_COLUMNS_MAX) {
		print_error("BetterAuth's tables have more than %d columns",
		    ADOPT_COLUMNS_MAX);
		return false;
	}
	for (int i = 0; i < r.count; i++) {
		struct adopt_column *c = &f->columns[f->ncolumns++];

		c->table = db_get_text(&r, i, 0);
		c->name = db_get_text(&r, i, 1);
		c->type = db_get_text(&r, i, 2);
		c->is_required = db_get_bool(&r, i, 3);
		c->plugin = plugin_of_column(c->table, c->name);
		c->is_core = is_core_column(c->table, c->name);
		if (!c->is_core && c->plugin == NULL &&
		    !count(l,
			arena_printf(l->arena,
			    "SELECT count(%s) FROM public.%s",
			    db_get_text(&r, i, 5), db_get_text(&r, i, 4)),
			&c->filled))
			return false;
	}
	return true;
}

static bool
has(const struct look *l, const char *table, const char *column)
{
	return adopt_find_column(l->facts, table, column) != NULL;
}

/*
 * The users, and which of them auth can let in: those with a password in
 * BetterAuth's own format and no second factor. Anonymous users cannot sign in
 * again at BetterAuth either.
 */
static const char users_sql[] =
    "SELECT count(*), count(*) FILTER (WHERE password AND NOT provider),"
    " count(*) FILTER (WHERE password AND provider),"
    " count(*) FILTER (WHERE NOT password AND provider),"
    " count(*) FILTER (WHERE NOT password AND NOT provider"
    " AND NOT anonymous), count(*) FILTER (WHERE anonymous),"
    " count(*) FILTER (WHERE factor), count(*) FILTER (WHERE factor"
    " AND NOT app),"
    " count(*) FILTER (WHERE password AND NOT ours),"
    " count(*) FILTER (WHERE upper), count(*) FILTER (WHERE username),"
    " count(*) FILTER (WHERE NOT anonymous AND (NOT ours OR factor)),"
    " count(*) FILTER (WHERE NOT anonymous AND (NOT ours OR (factor"
    " AND NOT app)))"
    " FROM (SELECT u.id,"
    " coalesce(bool_or(a.\"providerId\" = 'credential'"
    " AND a.password <> ''), false) AS password,"
    " coalesce(bool_or(a.\"providerId\" = 'credential' AND"
    " a.password ~ '^[0-9a-f]{32}:[0-9a-f]{128}$'), false) AS ours,"
    " coalesce(bool_or(a.\"providerId\" <> 'credential'), false) AS provider,"
    " coalesce(%s, false) AS anonymous, coalesce(%s, false) AS factor,"
    " %s AS app,"
    " %s IS NOT NULL AS username, u.email <> lower(u.email) AS upper"
    " FROM public.\"user\" u LEFT JOIN public.account a"
    " ON a.\"userId\" = u.id GROUP BY u.id) who";

bool
adopt_asks_second_factor(void)
{
	const char *plugins = getenv("AUTH_PLUGINS");

	return plugins == NULL || strstr(plugins, "two-factor") != NULL;
}

/* Whether the user has confirmed the codes of an app. */
static const char *
app_sql(const struct look *l)
{
	if (!has(l, "twoFactor", "userId"))
		return "false";
	return has(l, "twoFactor", "verified")
	           ? "EXISTS (SELECT FROM public.\"twoFactor\" t WHERE"
	             " t.\"userId\" = u.id AND coalesce(t.verified, true))"
	           : "EXISTS (SELECT FROM public.\"twoFactor\" t WHERE"
	             " t.\"userId\" = u.id)";
}

static bool
look_at_users(struct look *l)
{
	struct adopt_facts *f = l->facts;
	struct db_rows r;
	int c = 0;

	if (!query(l,
		arena_printf(l->arena, users_sql,
		    has(l, "user", "isAnonymous") ? "u.\"isAnonymous\""
						  : "false",
		    has(l, "user", "twoFactorEnabled")
			? "u.\"twoFactorEnabled\""
			: "false",
		    app_sql(l),
		    has(l, "user", "username") ? "u.username" : "NULL"),
		&r))
		return false;
	f->users = db_get_i64(&r, 0, c++);
	f->with_password = db_get_i64(&r, 0, c++);
	f->with_both = db_get_i64(&r, 0, c++);
	f->only_provider = db_get_i64(&r, 0, c++);
	f->with_none = db_get_i64(&r, 0, c++);
	f->anonymous = db_get_i64(&r, 0, c++);
	f->second_factor = db_get_i64(&r, 0, c++);
	f->factor_without_app = db_get_i64(&r, 0, c++);
	f->foreign_hashes = db_get_i64(&r, 0, c++);
	f->upper_case = db_get_i64(&r, 0, c++);
	f->usernames = db_get_i64(&r, 0, c++);
	/* with two-factor off, and on */
	f->locked_out =
	    db_get_i64(&r, 0, adopt_asks_second_factor() ? c + 1 : c);
	return true;
}

static const char providers_sql[] =
    "SELECT a.\"providerId\", count(DISTINCT a.\"userId\"),"
    " count(DISTINCT a.\"userId\") FILTER (WHERE NOT EXISTS (SELECT"
    " FROM public.account p WHERE p.\"userId\" = a.\"userId\""
    " AND p.\"providerId\" = 'credential' AND p.password <> ''))"
    " FROM public.account a WHERE a.\"providerId\" <> 'credential'"
    " GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 100";

static bool
look_at_providers(struct look *l)
{
	struct adopt_facts *f = l->facts;
	struct db_rows r;

	if (!query(l, providers_sql, &r))
		return false;
	for (int i = 0; i < r.count; i++)
		f->providers[f->nproviders++] = (struct adopt_provider){
			.name = db_get_text(&r, i, 0),
			.users = db_get_i64(&r, i, 1),
			.users_without_password = db_get_i64(&r, i, 2),
		};
	return true;
}

/* The tables of some plugins differ between BetterAuth 1.4 and 1.7. */
static const char line_sql[] =
    "SELECT table_name, column_name FROM information_schema.columns"
    " WHERE table_schema = 'public' AND (table_name, column_name) IN"
    " (('apikey', 'referenceId'), ('apikey', 'userId'), ('jwks', 'alg'),"
    " ('team', 'memberCount'), ('teamMember', 'membershipKey'),"
    " ('twoFactor', 'verified'), ('account', 'issuer'))"
    " ORDER BY column_name = 'issuer' DESC, column_name = 'userId', 1 LIMIT 1";

static bool
look_at_line(struct look *l)
{
	static const char *const differ[] = { "apikey", "jwks", "team",
		"teamMember", "twoFactor" };
	struct adopt_facts *f = l->facts;
	struct db_rows r;

	if (!query(l, line_sql, &r))
		return false;
	if (r.count == 1 && str_eq(db_get_text(&r, 0, 1), "issuer")) {
		f->line = "1.7.0 or 1.7.1 (account.issuer)";
	} else if (r.count == 1 && !str_eq(db_get_text(&r, 0, 1), "userId")) {
		f->line = arena_printf(l->arena, "1.7 (%s.%s)",
		    db_get_text(&r, 0, 0), db_get_text(&r, 0, 1));
	} else {
		f->line = "1.4 or 1.7: the tables of these plugins are the "
			  "same in both";
		for (size_t i = 0; i < COUNT_OF(differ); i++)
			if (adopt_find_table(f, differ[i]) != NULL)
				f->line = arena_printf(l->arena,
				    "1.4 (the columns of %s)", differ[i]);
	}
	return true;
}

static bool
is_countable(const struct look *l)
{
	return has(l, "user", "id") && has(l, "user", "email") &&
	       has(l, "account", "userId") && has(l, "account", "providerId") &&
	       has(l, "account", "password");
}

static bool
look(struct look *l)
{
	return look_at_server(l) && look_at_roles(l) && look_at_tables(l) &&
	       look_at_columns(l) && look_at_line(l) &&
	       (!is_countable(l) ||
		   (look_at_users(l) && look_at_providers(l))) &&
	       (!has(l, "session", "expiresAt") ||
		   count(l,
		       "SELECT count(*) FROM public.session"
		       " WHERE \"expiresAt\" > now()",
		       &l->facts->live_sessions));
}

bool
adopt_look(
    struct arena *a, struct db_script *script, struct adopt_facts *ret_facts)
{
	struct look l = { .arena = a, .script = script, .facts = ret_facts };
	bool ok;

	*ret_facts = (struct adopt_facts){ .arena = a };
	if (db_script_run(script, "BEGIN ISOLATION LEVEL REPEATABLE READ READ "
				  "ONLY") != ERR_OK ||
	    db_script_run(script, "SET LOCAL statement_timeout = '5min'") !=
		ERR_OK ||
	    db_script_run(script, "SET LOCAL lock_timeout = '10s'") != ERR_OK) {
		print_error(
		    "cannot read the database: %s", db_script_problem(script));
		return false;
	}
	ok = look(&l);
	if (db_script_run(script, ok ? "COMMIT" : "ROLLBACK") != ERR_OK && ok) {
		print_error(
		    "cannot read the database: %s", db_script_problem(script));
		return false;
	}
	return ok;
}
