#include "auth/identity/additional_fields.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/identity/columns.h"
#include "auth/log_events.h"
#include "base/arena.h"
#include "base/attr.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/log.h"
#include "base/str.h"
#include "db/db.h"

enum {
	TEXT_MAX_BYTES = 64 * 1024,
	NAME_MAX = 63, /* of a column, in PostgreSQL */
	VALUES_MAX = 4096,
	CHECK_TIMEOUT_MS = 3000,
};

static const struct {
	const char *name; /* as in BetterAuth */
	enum column_type type;
	const char *sql; /* the column that BetterAuth's migration makes */
	/* the types of PostgreSQL that fit, ended by NULL */
	const char *fits[4];
} types[] = {
	{ "string", COLUMN_TEXT, "text", { "text", "character varying" } },
	{ "number", COLUMN_NUMBER, "integer",
	    { "integer", "bigint", "smallint" } },
	{ "boolean", COLUMN_BOOL, "boolean", { "boolean" } },
	{ "date", COLUMN_TIME, "timestamptz", { "timestamp with time zone" } },
	{ "string[]", COLUMN_STRINGS, "jsonb", { "jsonb", "json" } },
};

/* Keys of a field that only describe the column, which exists already. */
static const char *const of_the_column[] = { "unique", "index", "sortable",
	"bigint" };

/*
 * Names that no additional field may have: members that other code sets, and
 * members of the request body of sign-up.
 */
static const char *const reserved[] = { "twoFactorEnabled", "callbackURL",
	"rememberMe", "password", "email", "name", "image" };

struct reader {
	struct arena *arena;
	const char *model; /* "user" or "session" */
	const char *name; /* of the field */
	struct auth_column *columns;
	size_t count;
	const char *problem;
	struct auth_column column; /* of the field that is read */
	const struct json *fallback;
	bool has_type;
};

static void
complain(struct reader *rd, const char *what)
{
	if (rd->problem == NULL)
		rd->problem = columns_text("%s.%s: %s", rd->model,
		    rd->name != NULL ? rd->name : "", what);
}

static bool
is_name(const char *s)
{
	size_t len = strlen(s);

	if (len == 0 || len > NAME_MAX || (*s >= '0' && *s <= '9'))
		return false;
	for (; *s != '\0'; s++)
		if (!str_is_alnum(*s) && *s != '_')
			return false;
	return true;
}

static bool
is_reserved(const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < COUNT_OF(reserved); i++)
		if (str_eq(reserved[i], name))
			return true;
	return str_has_prefix(name, "has") && len > 7 &&
	       str_eq(name + len - 7, "Account");
}

static void
read_type(struct reader *rd, const struct json *value)
{
	if (json_kind(value) == JSON_KIND_STRING)
		for (size_t i = 0; i < COUNT_OF(types); i++)
			if (str_eq(types[i].name, json_get_string(value))) {
				rd->column.type = types[i].type;
				rd->has_type = true;
				return;
			}
	complain(rd, "type must be \"string\", \"number\", \"boolean\", "
		     "\"date\" or \"string[]\"");
}

static bool
read_flag(struct reader *rd, const char *key, const struct json *value)
{
	if (json_kind(value) == JSON_KIND_BOOL)
		return json_get_bool(value);
	complain(rd, columns_text("%s must be true or false", key));
	return false;
}

static void
read_key(void *ctx, const char *key, const struct json *value)
{
	struct reader *rd = ctx;

	if (str_eq(key, "type")) {
		read_type(rd, value);
	} else if (str_eq(key, "required")) {
		rd->column.is_required = read_flag(rd, key, value);
	} else if (str_eq(key, "input")) {
		rd->column.from_client = read_flag(rd, key, value);
	} else if (str_eq(key, "returned")) {
		rd->column.is_hidden = !read_flag(rd, key, value);
	} else if (str_eq(key, "defaultValue")) {
		rd->fallback = value;
	} else if (str_eq(key, "fieldName")) {
		if (json_kind(value) != JSON_KIND_STRING ||
		    !is_name(json_get_string(value)))
			complain(rd, "fieldName must be a name of a column: "
				     "letters, digits and \"_\"");
		else
			rd->column.column =
			    columns_text("%s", json_get_string(value));
	} else {
		for (size_t i = 0; i < COUNT_OF(of_the_column); i++)
			if (str_eq(of_the_column[i], key))
				return;
		complain(rd,
		    columns_text("there is no key \"%s\"; the keys are type, "
				 "required, input, returned, defaultValue and "
				 "fieldName",
			key));
	}
}

static bool
is_strings(const struct json *value)
{
	if (json_kind(value) != JSON_KIND_ARRAY)
		return false;
	for (size_t i = 0; i < json_count(value); i++)
		if (json_kind(json_item(value, i)) != JSON_KIND_STRING)
			return false;
	return true;
}

/* The default in PostgreSQL's text format; NULL: it is not of the type. */
static const char *
fallback_text(struct reader *rd, const struct json *value)
{
	enum json_kind kind = json_kind(value);
	struct buf b;

	switch (rd->column.type) {
	case COLUMN_TEXT:
	case COLUMN_TIME:
		return kind == JSON_KIND_STRING
		           ? columns_text("%s", json_get_string(value))
		           : NULL;
	case COLUMN_BOOL:
		if (kind != JSON_KIND_BOOL)
			return NULL;
		return json_get_bool(value) ? "t" : "f";
	case COLUMN_NUMBER:
		return kind == JSON_KIND_INT
		           ? columns_text(
				 "%lld", (long long)json_get_int(value))
		           : NULL;
	case COLUMN_STRINGS:
		if (!is_strings(value))
			return NULL;
		buf_init(&b, rd->arena, TEXT_MAX_BYTES);
		json_write(&b, value);
		return columns_text("%s", b.data);
	}
	return NULL;
}

static void
read_field(void *ctx, const char *name, const struct json *field)
{
	struct reader *rd = ctx;

	rd->name = name;
	rd->column = (struct auth_column){ .from_client = true };
	rd->fallback = NULL;
	rd->has_type = false;
	if (!is_name(name) || is_reserved(name)) {
		complain(rd, is_name(name)
				 ? "this name has a meaning of its own"
				 : "a name has letters, digits and \"_\"");
		return;
	}
	if (json_kind(field) != JSON_KIND_OBJECT) {
		complain(rd, "a field is an object, such as "
			     "{\"type\":\"string\"}");
		return;
	}
	json_each(field, read_key, rd);
	if (!rd->has_type)
		complain(rd, "type is missing");
	if (rd->problem != NULL)
		return;
	if (rd->fallback != NULL && json_kind(rd->fallback) != JSON_KIND_NULL) {
		rd->column.fallback = fallback_text(rd, rd->fallback);
		if (rd->column.fallback == NULL)
			complain(rd, "defaultValue is not of the field's type");
	}
	if (rd->count == COLUMNS_MAX) {
		complain(rd, "there are too many fields");
		return;
	}
	rd->column.name = columns_text("%s", name);
	if (rd->column.column == NULL)
		rd->column.column = rd->column.name;
	if (is_reserved(rd->column.column))
		complain(rd, "fieldName has a meaning of its own");
	rd->column.doc = "A field of the application.";
	rd->columns[rd->count++] = rd->column;
}

static struct auth_column user_fields[COLUMNS_MAX + 1];
static struct auth_column session_fields[COLUMNS_MAX + 1];

static const struct auth_plugin part = {
	.name = ADDITIONAL_FIELDS,
	.user_columns = user_fields,
	.session_columns = session_fields,
};

static void
read_model(void *ctx, const char *model, const struct json *fields)
{
	struct reader *rd = ctx;

	rd->model = columns_text("%s", model);
	rd->name = NULL;
	if (!str_eq(model, "user") && !str_eq(model, "session")) {
		complain(rd, "fields are those of \"user\" or \"session\"");
		return;
	}
	if (json_kind(fields) != JSON_KIND_OBJECT) {
		complain(rd, "it must be an object of fields by their names");
		return;
	}
	rd->columns = str_eq(model, "user") ? user_fields : session_fields;
	rd->count = 0;
	json_each(fields, read_field, rd);
}

/* Reads the file; NULL: it cannot be read. */
static const char *
read_file(struct arena *a, const char *path)
{
	char *text = arena_alloc(a, TEXT_MAX_BYTES + 1);
	FILE *f = fopen(path, "re");
	size_t n;

	if (f == NULL)
		return NULL;
	n = fread(text, 1, TEXT_MAX_BYTES, f);
	text[n] = '\0';
	fclose(f);
	return text;
}

const struct auth_plugin *
additional_fields_read(const char *value, const char **ret_problem)
{
	struct arena *a = arena_new();
	struct reader rd = { .arena = a, .model = "" };
	struct json_read_result result = { 0 };
	const struct json *json = NULL;

	memset(user_fields, 0, sizeof(user_fields));
	memset(session_fields, 0, sizeof(session_fields));
	if (value != NULL && *value == '/') {
		rd.problem = columns_text("%s cannot be read", value);
		value = read_file(a, value);
		if (value != NULL)
			rd.problem = NULL;
	}
	if (value != NULL && *value != '\0') {
		json = json_read_bounded(
		    a, value, strlen(value), VALUES_MAX, &result);
		if (json == NULL)
			rd.problem = columns_text("no JSON: %s%s%s",
			    result.problem != NULL ? result.problem : "",
			    result.detail != NULL ? ": " : "",
			    result.detail != NULL ? result.detail : "");
		else if (json_kind(json) != JSON_KIND_OBJECT)
			rd.problem =
			    "it must be an object, {\"user\":{...}}, or the "
			    "path of a file with it";
		else
			json_each(json, read_model, &rd);
	}
	arena_free(a);
	*ret_problem = rd.problem;
	return rd.problem == NULL ? &part : NULL;
}

/* -- the columns in the database -- */

static const struct db_stmt select_columns = {
	.name = "additional_fields_columns",
	.sql = "SELECT attname, regexp_replace(format_type(atttypid, NULL),"
	       " '^\"|\"$', '', 'g') FROM pg_attribute"
	       " WHERE attrelid = to_regclass($1) AND attnum > 0"
	       " AND NOT attisdropped",
	.nargs = 1,
	.read_only = true,
};

static const char *
type_in(const struct db_rows *rows, const char *column)
{
	for (int i = 0; i < rows->count; i++)
		if (str_eq(db_get_text(rows, i, 0), column))
			return db_get_text(rows, i, 1);
	return NULL;
}

static bool
fits(const struct auth_column *c, const char *type)
{
	for (size_t i = 0; i < COUNT_OF(types); i++)
		for (size_t k = 0;
		     types[i].type == c->type && k < COUNT_OF(types[i].fits) &&
		     types[i].fits[k] != NULL;
		     k++)
			if (str_eq(types[i].fits[k], type))
				return true;
	/* A client that may not set it cannot send a wrong one. */
	return c->type == COLUMN_NUMBER && !c->from_client &&
	       (str_eq(type, "real") || str_eq(type, "double precision") ||
		   str_eq(type, "numeric"));
}

static const char *
sql_type(const struct auth_column *c)
{
	for (size_t i = 0; i < COUNT_OF(types); i++)
		if (types[i].type == c->type)
			return types[i].sql;
	return "text";
}

static bool
check_columns(struct db *db, struct arena *a, const char *table,
    const struct auth_column *columns)
{
	struct db_rows rows;
	const char *type;
	bool ok = true;

	if (columns->column == NULL)
		return true;
	if (db_run(db, a, &select_columns,
		DB_ARGS(arena_printf(a, "public.\"%s\"", table)),
		&rows) != ERR_OK ||
	    rows.count == 0)
		return true; /* the cause is logged, or nothing is migrated */
	for (; columns->column != NULL; columns++) {
		type = type_in(&rows, columns->column);
		if (type != NULL && fits(columns, type))
			continue;
		ok = false;
		log_event(LOG_ERROR, EVENT_ADDITIONAL_FIELD_COLUMN,
		    LOG_TEXT("table", table),
		    LOG_TEXT("column", columns->column),
		    LOG_TEXT("problem",
			type == NULL
			    ? "there is no such column"
			    : arena_printf(a, "it is of the type %s", type)),
		    LOG_TEXT("statement",
			arena_printf(a, "ALTER TABLE \"%s\" %s \"%s\" %s%s",
			    table, type == NULL ? "ADD" : "ALTER",
			    columns->column, type == NULL ? "" : "TYPE ",
			    sql_type(columns))));
	}
	return ok;
}

bool
additional_fields_check(
    const struct auth_plugin *fields, const char *database_url)
{
	struct arena *a;
	struct db *db;
	bool ok;

	if (fields->user_columns->column == NULL &&
	    fields->session_columns->column == NULL)
		return true;
	a = arena_new();
	db = db_open(&(struct db_options){
	    .url = database_url,
	    .application_name = "auth check",
	    .connections = 1,
	    .acquire_timeout_ms = CHECK_TIMEOUT_MS,
	    .statement_timeout_ms = CHECK_TIMEOUT_MS,
	});
	ok = check_columns(db, a, "user", fields->user_columns);
	if (!check_columns(db, a, "session", fields->session_columns))
		ok = false;
	db_close(db);
	arena_free(a);
	return ok;
}
