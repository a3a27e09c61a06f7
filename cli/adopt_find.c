#include "adopt_find.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/str.h"

#include "adopt_look.h"
#include "file.h"

enum {
	VERSION_MIN = 140000,
	TOKEN_LEN = 43, /* of a session that auth begins */
	ID_LEN = 36, /* a UUID as text */
};

struct finding_list {
	const struct adopt_facts *f;
	struct adopt_findings *found;
};

void
adopt_add(struct adopt_findings *found, enum adopt_level level,
    const char *todo, const char *what)
{
	if (found->count == ADOPT_FINDINGS_MAX)
		return;
	found->items[found->count++] = (struct adopt_finding){
		.level = level,
		.what = what,
		.todo = todo,
	};
}

static void add(const struct finding_list *l, enum adopt_level level,
    const char *todo, const char *fmt, ...) PRINTF(4, 5);

static void
add(const struct finding_list *l, enum adopt_level level, const char *todo,
    const char *fmt, ...)
{
	char *text;
	va_list args;

	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0)
		abort();
	va_end(args);
	adopt_add(l->found, level, todo, arena_strdup(l->f->arena, text));
	free(text);
}

/* "1 user", "2 users". */
static const char *
users(const struct finding_list *l, int64_t n)
{
	return arena_printf(
	    l->f->arena, "%" PRId64 " user%s", n, n == 1 ? "" : "s");
}

/* "1 user has", "2 users have". */
static const char *
users_have(const struct finding_list *l, int64_t n)
{
	return arena_printf(
	    l->f->arena, "%s %s", users(l, n), n == 1 ? "has" : "have");
}

static const char *
rows(const struct finding_list *l, int64_t n)
{
	return arena_printf(
	    l->f->arena, "%" PRId64 " row%s", n, n == 1 ? "" : "s");
}

/* -- the server -- */

static void
find_server(const struct finding_list *l)
{
	const struct adopt_facts *f = l->f;

	if (f->version_number < VERSION_MIN)
		add(l, ADOPT_STOP, "upgrade the server to version 14 or later",
		    "PostgreSQL is %s", f->version);
	if (!str_eq(f->encoding, "UTF8"))
		add(l, ADOPT_STOP,
		    "dump the database and restore it into one with ENCODING "
		    "'UTF8'",
		    "the database has the encoding %s", f->encoding);
	if (f->in_recovery)
		add(l, ADOPT_STOP, "name the primary server in --from",
		    "this server is a standby: nothing can be written there");
	if (!f->fsync || !f->synchronous_commit)
		add(l, ADOPT_NOTE,
		    "set fsync and synchronous_commit to on, as \"kedge "
		    "doctor\" says",
		    "a crash of the server may lose writes that were "
		    "acknowledged: fsync or synchronous_commit is off");
}

/* -- the four tables -- */

static const struct {
	const char *table, *column;
	const char *type; /* NULL: an id */
	int64_t length; /* the least of a varchar */
} needed[] = {
	{ "user", "id", NULL, ID_LEN },
	{ "user", "name", "text", 0 },
	{ "user", "email", "text", 0 },
	{ "user", "emailVerified", "boolean", 0 },
	{ "user", "image", "text", 0 },
	{ "user", "createdAt", "timestamp with time zone", 0 },
	{ "user", "updatedAt", "timestamp with time zone", 0 },
	{ "session", "id", NULL, ID_LEN },
	{ "session", "expiresAt", "timestamp with time zone", 0 },
	{ "session", "token", "text", TOKEN_LEN },
	{ "session", "createdAt", "timestamp with time zone", 0 },
	{ "session", "updatedAt", "timestamp with time zone", 0 },
	{ "session", "ipAddress", "text", 0 },
	{ "session", "userAgent", "text", 0 },
	{ "session", "userId", NULL, ID_LEN },
	{ "account", "id", NULL, ID_LEN },
	{ "account", "accountId", "text", ID_LEN },
	{ "account", "providerId", "text", 0 },
	{ "account", "userId", NULL, ID_LEN },
	{ "account", "password", "text", 0 },
	{ "account", "createdAt", "timestamp with time zone", 0 },
	{ "account", "updatedAt", "timestamp with time zone", 0 },
	{ "verification", "id", NULL, ID_LEN },
	{ "verification", "identifier", "text", 0 },
	{ "verification", "value", "text", 0 },
	{ "verification", "expiresAt", "timestamp with time zone", 0 },
};

/*
 * Columns of auth's own plugins; BetterAuth's migration may have made them.
 */
static const struct {
	const char *table, *column, *type;
} known_types[] = {
	{ "user", "role", "text" },
	{ "user", "banned", "boolean" },
	{ "user", "banReason", "text" },
	{ "user", "banExpires", "timestamp with time zone" },
	{ "session", "impersonatedBy", "text" },
	{ "user", "username", "text" },
	{ "user", "displayUsername", "text" },
	{ "user", "twoFactorEnabled", "boolean" },
};

/* "emailVerified" as other adapters write it: email_verified. */
static const char *
snake_case(struct arena *a, const char *name)
{
	struct buf b;

	buf_init(&b, a, 128);
	for (; *name != '\0'; name++) {
		if (*name >= 'A' && *name <= 'Z')
			buf_printf(&b, "_%c", *name - 'A' + 'a');
		else
			buf_putc(&b, *name);
	}
	return b.data;
}

static void
find_missing(const struct finding_list *l, const char *table, const char *name)
{
	const char *snake = snake_case(l->f->arena, name);

	if (!str_eq(snake, name) &&
	    adopt_find_column(l->f, table, snake) != NULL)
		add(l, ADOPT_STOP,
		    "Kedge reads BetterAuth's own names: copy the rows into "
		    "tables that \"npx @better-auth/cli migrate\" makes, in a "
		    "database of their own, and adopt that one",
		    "%s.%s has the name %s: an adapter (Drizzle, Prisma) or "
		    "the option \"fields\" has renamed it",
		    table, name, snake);
	else
		add(l, ADOPT_STOP,
		    "migrate the database with BetterAuth first: npx "
		    "@better-auth/cli migrate",
		    "the column %s.%s is missing", table, name);
}

/* varchar(N) is text with a limit. */
static bool
is_text(const char *type, int64_t length)
{
	static const char varchar[] = "character varying";
	const char *limit = type + sizeof(varchar) - 1;

	if (str_eq(type, "text"))
		return true;
	if (!str_has_prefix(type, varchar))
		return false;
	return *limit == '\0' || strtoll(limit + 1, NULL, 10) >= length;
}

static bool
is_id(const char *type, int64_t length)
{
	return is_text(type, length) || str_eq(type, "uuid") ||
	       str_eq(type, "integer") || str_eq(type, "bigint");
}

static void
check_type(const struct finding_list *l, const struct adopt_column *c,
    const char *type, int64_t length)
{
	struct arena *a = l->f->arena;
	bool ok = type == NULL           ? is_id(c->type, length)
	          : str_eq(type, "text") ? is_text(c->type, length)
	                                 : str_eq(c->type, type);
	const char *wanted = type != NULL ? type : "text";

	if (ok)
		return;
	add(l, ADOPT_STOP,
	    arena_printf(a,
		"on a copy first: ALTER TABLE \"%s\" ALTER COLUMN \"%s\" TYPE "
		"%s%s",
		c->table, c->name, wanted,
		str_has_prefix(c->type, "timestamp")
		    ? arena_printf(
			  a, " USING \"%s\" AT TIME ZONE 'UTC'", c->name)
		    : ""),
	    "%s.%s is of the type %s, not %s", c->table, c->name, c->type,
	    wanted);
}

static bool
is_there(const struct finding_list *l, const char *table)
{
	return adopt_find_table(l->f, table) != NULL;
}

static void
find_core(const struct finding_list *l)
{
	const struct adopt_column *c;

	if (!is_there(l, "user") || !is_there(l, "account")) {
		add(l, ADOPT_STOP,
		    *l->f->schema != '\0' && !str_eq(l->f->schema, "public")
			? "move BetterAuth's tables to the schema public: "
			  "ALTER TABLE ... SET SCHEMA public"
			: "name the database of BetterAuth in --from",
		    "the schema public has no table \"user\" or no table "
		    "account%s%s",
		    *l->f->schema == '\0' ? "" : "; \"user\" is in ",
		    l->f->schema);
		return;
	}
	if (!is_there(l, "session"))
		add(l, ADOPT_LOST,
		    "set session.storeSessionInDatabase in BetterAuth and wait "
		    "for a week, or let everybody sign in again",
		    "there is no table session: the sessions are in a "
		    "secondary storage, and all of them end");
	for (size_t i = 0; i < COUNT_OF(needed); i++) {
		if (!is_there(l, needed[i].table))
			continue;
		c = adopt_find_column(l->f, needed[i].table, needed[i].column);
		if (c == NULL)
			find_missing(l, needed[i].table, needed[i].column);
		else
			check_type(l, c, needed[i].type, needed[i].length);
	}
	for (size_t i = 0; i < COUNT_OF(known_types); i++) {
		c = adopt_find_column(
		    l->f, known_types[i].table, known_types[i].column);
		if (c != NULL)
			check_type(l, c, known_types[i].type, 0);
	}
	add(l, ADOPT_WORKS, NULL,
	    "users, passwords and live sessions: the tables are BetterAuth's "
	    "own (%s, live sessions: %" PRId64 ")",
	    users(l, l->f->users), l->f->live_sessions);
}

static void
find_ids(const struct finding_list *l)
{
	const struct adopt_column *c;
	int64_t bytes = 0;

	for (size_t i = 0; i < ADOPT_CORE__MAX; i++) {
		c = adopt_find_column(l->f, adopt_core_tables[i], "id");
		if (c == NULL || is_text(c->type, ID_LEN) || !is_id(c->type, 0))
			continue;
		l->found->ids_need_change = true;
		bytes += adopt_find_table(l->f, c->table)->bytes;
	}
	c = adopt_find_column(l->f, "user", "id");
	if (l->found->ids_need_change)
		add(l, ADOPT_NOTE,
		    "\"kedge adopt --run\" runs sql/adopt_ids.sql; choose a "
		    "quiet hour for a large database",
		    "ids are of the type %s: they become text with the same "
		    "values, which rewrites %" PRId64
		    " KiB and blocks these tables meanwhile; BetterAuth works "
		    "on with them",
		    c != NULL ? c->type : "uuid or integer", bytes / 1024);
}

/* -- columns and tables of the application -- */

const char *
adopt_field_type(const char *type)
{
	if (is_text(type, 0))
		return "string";
	if (str_eq(type, "boolean"))
		return "boolean";
	if (str_eq(type, "integer") || str_eq(type, "bigint") ||
	    str_eq(type, "smallint") || str_eq(type, "double precision") ||
	    str_eq(type, "real") || str_has_prefix(type, "numeric"))
		return "number";
	if (str_eq(type, "timestamp with time zone"))
		return "date";
	if (str_eq(type, "jsonb") || str_eq(type, "json"))
		return "string[]";
	return NULL;
}

/* Adds the columns of a table to the proposed value of AUTH_ADDITIONAL_FIELDS.
 */
static void
propose(const struct finding_list *l, struct buf *b, const char *table)
{
	int n = 0;

	for (int i = 0; i < l->f->ncolumns; i++) {
		const struct adopt_column *c = &l->f->columns[i];
		const char *type = adopt_field_type(c->type);

		if (c->is_core || c->plugin != NULL ||
		    !str_eq(c->table, table) || type == NULL)
			continue;
		if (n++ == 0)
			buf_printf(
			    b, "%s\"%s\":{", b->len > 1 ? "," : "", table);
		else
			buf_putc(b, ',');
		json_write_string(b, c->name);
		buf_printf(b,
		    ":{\"type\":\"%s\",\"required\":%s,\"input\":false}", type,
		    c->is_required ? "true" : "false");
	}
	if (n > 0)
		buf_putc(b, '}');
}

static void
propose_fields(const struct finding_list *l)
{
	struct buf b;

	buf_init(&b, l->f->arena, FILE_MAX_BYTES);
	buf_putc(&b, '{');
	propose(l, &b, "user");
	propose(l, &b, "session");
	buf_putc(&b, '}');
	if (b.len > 2)
		l->found->fields = b.data;
}

/* Whether AUTH_ADDITIONAL_FIELDS of this command names the column. */
static bool
is_configured(struct arena *a, const char *name)
{
	const char *fields = getenv("AUTH_ADDITIONAL_FIELDS");

	return fields != NULL &&
	       strstr(fields, arena_printf(a, "\"%s\"", name)) != NULL;
}

static void
find_own_columns(const struct finding_list *l)
{
	struct arena *a = l->f->arena;
	const struct adopt_column *c;
	bool exposed;

	for (int i = 0; i < l->f->ncolumns; i++) {
		c = &l->f->columns[i];
		if (c->is_core || c->plugin != NULL)
			continue;
		exposed =
		    str_eq(c->table, "user") || str_eq(c->table, "session");
		if (exposed && is_configured(a, c->name))
			continue;
		add(l, c->is_required ? ADOPT_STOP : ADOPT_NOTE,
		    c->is_required
			? arena_printf(a,
			      "ALTER TABLE \"%s\" ALTER COLUMN \"%s\" DROP NOT "
			      "NULL, or give it a DEFAULT%s",
			      c->table, c->name,
			      exposed ? ", or name it in "
					"AUTH_ADDITIONAL_FIELDS with a "
					"defaultValue"
				      : "")
		    : exposed
			? "name it in AUTH_ADDITIONAL_FIELDS as in "
			  "BetterAuth's "
			  "additionalFields; otherwise it is in no answer and "
			  "no sign-up sets it"
			: NULL,
		    "your column %s.%s (%s, filled in %s)%s: its values stay",
		    c->table, c->name, c->type, rows(l, c->filled),
		    c->is_required ? " is NOT NULL without a default, so a "
				     "sign-up or sign-in would fail"
				   : "");
	}
	propose_fields(l);
}

static void
find_own_tables(const struct finding_list *l)
{
	const struct adopt_facts *f = l->f;
	const struct adopt_table *t;
	int others = 0, referring = 0;

	for (int i = 0; i < f->ntables; i++) {
		t = &f->tables[i];
		if (t->is_ours && !f->is_adopted)
			add(l, ADOPT_STOP,
			    "rename the table, or move it to another schema",
			    "there is a table %s already, and auth makes one "
			    "of this name",
			    t->name);
		if (t->is_core || t->is_ours || t->plugin != NULL)
			continue;
		others++;
		referring += t->refers_to_user;
	}
	if (others > 0)
		add(l, ADOPT_WORKS, NULL,
		    "tables of your application are left as they are: %d "
		    "(referring to \"user\": %d)",
		    others, referring);
}

/* -- plugins -- */

/* False: the plugin has left nothing in the database. */
static bool
find_traces(const struct adopt_facts *f, const struct adopt_plugin *plugin,
    const char **ret_names, int64_t *ret_rows)
{
	bool has = false;

	*ret_names = "";
	*ret_rows = 0;
	for (int i = 0; i < f->ntables; i++) {
		const struct adopt_table *t = &f->tables[i];

		if (t->plugin != plugin)
			continue;
		if (t->rows > 0)
			*ret_rows += t->rows;
		has = true;
		*ret_names = arena_printf(f->arena, "%s%s%s", *ret_names,
		    **ret_names == '\0' ? "" : ", ", t->name);
	}
	for (int i = 0; i < f->ncolumns && !has; i++)
		if (f->columns[i].plugin == plugin) {
			has = true;
			*ret_names = arena_printf(f->arena, "%s.%s",
			    f->columns[i].table, f->columns[i].name);
		}
	return has;
}

static void
find_plugin(const struct finding_list *l, const struct adopt_plugin *plugin)
{
	const char *names;
	int64_t count;

	if (!find_traces(l->f, plugin, &names, &count))
		return;
	if (!plugin->works)
		add(l, ADOPT_NOT_YET,
		    "keep the BetterAuth server beside Kedge for these paths, "
		    "or go without them",
		    "the plugin %s (%s, %s): the rows stay, its endpoints "
		    "answer "
		    "404 NOT_SUPPORTED",
		    plugin->name, names, rows(l, count));
	else if (str_eq(plugin->name, "two-factor"))
		return; /* find_second_factors() */
	else if (str_eq(plugin->name, "username"))
		add(l, ADOPT_WORKS,
		    "\"kedge adopt --run\" puts username into AUTH_PLUGINS if "
		    "there are any",
		    "the plugin username: %s a name",
		    users_have(l, l->f->usernames));
	else
		add(l, ADOPT_WORKS, NULL,
		    "the plugin %s: roles and bans count; its endpoints are "
		    "listed in docs/COMPATIBILITY.md",
		    plugin->name);
}

static void
find_plugins(const struct finding_list *l)
{
	for (const struct adopt_plugin *p = adopt_plugins; p->name != NULL; p++)
		find_plugin(l, p);
	if (is_there(l, "rateLimit"))
		add(l, ADOPT_NOTE, NULL,
		    "the table rateLimit is not used: auth counts in Redis");
}

/* -- users -- */

static void
find_second_factors(const struct finding_list *l)
{
	const struct adopt_facts *f = l->f;

	if (f->second_factor == 0)
		return;
	if (!adopt_asks_second_factor())
		add(l, ADOPT_LOCKOUT, "put two-factor into AUTH_PLUGINS",
		    "%s enabled a second factor, and AUTH_PLUGINS has no "
		    "two-factor: auth refuses such a sign-in (403 "
		    "TWO_FACTOR_NOT_SUPPORTED) and never takes the password "
		    "alone; live sessions stay valid",
		    users_have(l, f->second_factor));
	else
		add(l, ADOPT_WORKS,
		    "\"kedge adopt --run\" puts two-factor into AUTH_PLUGINS",
		    "%s enabled a second factor, and auth asks for it",
		    users_have(l, f->second_factor));
	if (f->factor_without_app > 0 && adopt_asks_second_factor())
		add(l, ADOPT_LOCKOUT,
		    "let them set up an app, or turn the second factor off, "
		    "at the BetterAuth server first",
		    "%s a second factor, but no app for codes (they come by "
		    "mail, which auth cannot send yet), and could sign in "
		    "with a backup code only",
		    users_have(l, f->factor_without_app));
}

static void
find_users(const struct finding_list *l)
{
	const struct adopt_facts *f = l->f;

	for (int i = 0; i < f->nproviders; i++) {
		const struct adopt_provider *p = &f->providers[i];

		if (p->users_without_password > 0)
			add(l, ADOPT_LOCKOUT,
			    "give them a password first (BetterAuth's "
			    "reset-password adds one), or wait for the release "
			    "that has this provider",
			    "%s no password and only an account of %s, which "
			    "auth does not have yet, and could not sign in "
			    "(with a password, too: %s)",
			    users_have(l, p->users_without_password), p->name,
			    users(l, p->users - p->users_without_password));
		else
			add(l, ADOPT_NOT_YET, NULL,
			    "%s can also sign in with %s: at Kedge with the "
			    "password only",
			    users(l, p->users), p->name);
	}
	if (f->with_none > 0)
		add(l, ADOPT_LOCKOUT,
		    "give them a password first (BetterAuth's reset-password "
		    "adds one)",
		    "%s no account with a password and none of a provider "
		    "(magic link, e-mail code, passkey), and could not sign in",
		    users_have(l, f->with_none));
	if (f->foreign_hashes > 0)
		add(l, ADOPT_LOCKOUT,
		    "let them sign in at BetterAuth with its own hash first, "
		    "or reset their passwords",
		    "%s a password hash that is not of BetterAuth's own format "
		    "(its option password.hash was set), and could not sign in",
		    users_have(l, f->foreign_hashes));
	find_second_factors(l);
	if (is_there(l, "twoFactor") &&
	    adopt_find_column(f, "user", "twoFactorEnabled") == NULL)
		add(l, ADOPT_STOP,
		    "rename the column that the option schema.user.fields of "
		    "two-factor names to \"twoFactorEnabled\"",
		    "there is a table twoFactor, but no column "
		    "\"user\".\"twoFactorEnabled\": who has a second factor "
		    "cannot be told, and it could be skipped");
	if (f->anonymous > 0)
		add(l, ADOPT_NOTE, NULL,
		    "anonymous users keep their sessions: %" PRId64,
		    f->anonymous);
	if (f->upper_case > 0)
		add(l, ADOPT_NOTE,
		    "UPDATE \"user\" SET email = lower(email) WHERE email <> "
		    "lower(email)",
		    "%s an address with capitals, with which nobody can sign "
		    "in: BetterAuth and auth both look for it in small letters",
		    users_have(l, f->upper_case));
}

void
adopt_find(const struct adopt_facts *f, struct adopt_findings *ret)
{
	const struct finding_list l = { .f = f, .found = ret };

	*ret = (struct adopt_findings){ 0 };
	find_server(&l);
	find_core(&l);
	find_ids(&l);
	find_users(&l);
	find_plugins(&l);
	find_own_columns(&l);
	find_own_tables(&l);
	if (f->is_adopted)
		add(&l, ADOPT_NOTE, NULL,
		    "the database has been migrated by Kedge already");
}

int
adopt_count(const struct adopt_findings *found, enum adopt_level level)
{
	int n = 0;

	for (int i = 0; i < found->count; i++)
		n += found->items[i].level == level;
	return n;
}
