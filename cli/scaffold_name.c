#include "scaffold_name.h"

#include <stddef.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

#include "message.h"

enum { NAME_LEN_MAX = 32 };

/* -- spellings -- */

static bool
ends_with(const char *s, const char *end)
{
	size_t len = strlen(s), end_len = strlen(end);

	return len >= end_len && str_eq(s + len - end_len, end);
}

/* The plural of an English noun, by its ending. */
static const char *
plural(struct arena *a, const char *s)
{
	size_t len = strlen(s);

	if (len > 1 && s[len - 1] == 'y' && strchr("aeiou", s[len - 2]) == NULL)
		return arena_printf(a, "%.*sies", (int)len - 1, s);
	if (ends_with(s, "s") || ends_with(s, "x") || ends_with(s, "z") ||
	    ends_with(s, "ch") || ends_with(s, "sh"))
		return arena_printf(a, "%ses", s);
	return arena_printf(a, "%ss", s);
}

static char
upper(char c)
{
	return (char)(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
}

static const char *
capitals(struct arena *a, const char *s)
{
	char *out = arena_strdup(a, s);
	size_t i;

	for (i = 0; out[i] != '\0'; i++)
		out[i] = upper(out[i]);
	return out;
}

static const char *
with(struct arena *a, const char *s, char instead_of_underscore)
{
	char *out = arena_strdup(a, s);
	size_t i;

	for (i = 0; out[i] != '\0'; i++)
		if (out[i] == '_')
			out[i] = instead_of_underscore;
	return out;
}

static const char *
camel(struct arena *a, const char *s, bool first_is_upper)
{
	char *out = arena_strdup(a, s);
	bool is_upper = first_is_upper;
	size_t len = 0;

	for (; *s != '\0'; s++) {
		if (*s == '_') {
			is_upper = true;
			continue;
		}
		out[len++] = (char)(is_upper ? upper(*s) : *s);
		is_upper = false;
	}
	out[len] = '\0';
	return out;
}

struct name
name_spell(struct arena *a, const char *snake)
{
	const char *snakes = plural(a, snake);

	return (struct name){
		.snake = snake,
		.snakes = snakes,
		.kebabs = with(a, snakes, '-'),
		.camel = camel(a, snake, /* first_is_upper= */ false),
		.pascal = camel(a, snake, /* first_is_upper= */ true),
		.capitals = capitals(a, snake),
		.capitalss = capitals(a, snakes),
		.words = with(a, snake, ' '),
		.wordss = with(a, snakes, ' '),
	};
}

/* -- words that are taken -- */

/*
 * The key words of SQL that PostgreSQL 13 to 18 do not accept as the name of a
 * column or a table without quotes (pg_get_keywords(), categories R and T).
 */
static const char *const sql_words[] = { "all", "analyse", "analyze", "and",
	"any", "array", "as", "asc", "asymmetric", "authorization", "binary",
	"both", "case", "cast", "check", "collate", "collation", "column",
	"concurrently", "constraint", "create", "cross", "current_catalog",
	"current_date", "current_role", "current_schema", "current_time",
	"current_timestamp", "current_user", "default", "deferrable", "desc",
	"distinct", "do", "else", "end", "except", "false", "fetch", "for",
	"foreign", "freeze", "from", "full", "grant", "group", "having",
	"ilike", "in", "initially", "inner", "intersect", "into", "is",
	"isnull", "join", "lateral", "leading", "left", "like", "limit",
	"localtime", "localtimestamp", "natural", "not", "notnull", "null",
	"offset", "on", "only", "or", "order", "outer", "overlaps", "placing",
	"primary", "references", "returning", "right", "select", "session_user",
	"similar", "some", "symmetric", "system_user", "table", "tablesample",
	"then", "to", "trailing", "true", "union", "unique", "user", "using",
	"variadic", "verbose", "when", "where", "window", "with" };

/* The key words of C, and macros in lower case of its headers. */
static const char *const c_words[] = { "alignas", "alignof", "assert", "auto",
	"bool", "break", "char", "complex", "const", "continue", "double",
	"enum", "errno", "extern", "float", "goto", "if", "imaginary", "inline",
	"int", "long", "major", "makedev", "minor", "noreturn", "register",
	"restrict", "return", "short", "signed", "sizeof", "static", "stderr",
	"stdin", "stdout", "struct", "switch", "typedef", "unix", "linux",
	"unsigned", "void", "volatile", "while" };

/*
 * Names of parts of Kedge, of folders of the tree, of other servers, and of
 * folders of headers that the library includes.
 */
static const char *const service_words[] = { "all", "audit", "base", "bench",
	"check", "clean", "cli", "curl", "fcgi", "fuzz", "internal", "job",
	"kedge", "lib", "lint", "manual", "nginx", "openssl", "postgres",
	"public", "secrets", "service", "services", "systemd", "t", "template0",
	"template1", "test", "unit", "verify" };

/*
 * Each row has these columns. The others are names in the SQL function that
 * creates a row.
 */
static const char *const field_words[] = { "id", "user_id", "version",
	"created_at", "updated_at", "user", "key", "sha256", "items_max",
	"keys_max", "key_hours", "made", "refusal", "replayed" };

/*
 * Structs, functions and tables that each service has: an entity with this name
 * would declare them again.
 */
static const char *const entity_words[] = { "arena", "audit", "buf", "body",
	"cache", "clock", "config", "cookie", "cursor", "db", "err", "error",
	"etag", "field", "guard", "hook", "idempotency", "identity", "input",
	"item", "job", "json", "list", "log", "metrics", "objects", "opt",
	"page", "params", "problem", "query", "rate", "req", "request",
	"response", "route", "router", "row", "schema", "service", "str",
	"strings", "trace", "usage", "webhook" };

static bool
is_in(const char *const *words, size_t n, const char *name)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (str_eq(words[i], name))
			return true;
	return false;
}
#define IS_IN(words, name) is_in((words), COUNT_OF(words), (name))

static bool
check_words(const char *what, const char *name)
{
	if (IS_IN(sql_words, name)) {
		print_error("%s %s: this is a key word of SQL; choose another "
			    "name, for example %s_name",
		    what, name, name);
		return false;
	}
	if (IS_IN(c_words, name)) {
		print_error("%s %s: this is a word of C; choose another name",
		    what, name);
		return false;
	}
	return true;
}

/* -- the checks -- */

/* Whether the name is of lower-case letters, digits and single "_". */
static bool
is_snake(const char *s)
{
	size_t len = strlen(s);
	size_t i;

	if (len == 0 || len > NAME_LEN_MAX || !(s[0] >= 'a' && s[0] <= 'z') ||
	    s[len - 1] == '_' || strstr(s, "__") != NULL)
		return false;
	for (i = 0; i < len; i++)
		if (!((s[i] >= 'a' && s[i] <= 'z') ||
			(s[i] >= '0' && s[i] <= '9') || s[i] == '_'))
			return false;
	return true;
}

static bool
check_snake(const char *what, const char *name)
{
	if (is_snake(name))
		return true;
	print_error("%s \"%s\": a name has lower-case letters, digits and "
		    "single \"_\" between them, a letter first, at most %d",
	    what, name, NAME_LEN_MAX);
	return false;
}

bool
name_check_service(const char *name)
{
	if (!is_snake(name) || strchr(name, '_') != NULL) {
		print_error("service \"%s\": a name has lower-case letters and "
			    "digits, a letter first, at most %d",
		    name, NAME_LEN_MAX);
		return false;
	}
	if (IS_IN(service_words, name) || IS_IN(entity_words, name) ||
	    str_has_prefix(name, "pg") || str_has_prefix(name, "redis")) {
		print_error(
		    "service %s: Kedge or one of its servers has this name; "
		    "choose another",
		    name);
		return false;
	}
	return check_words("service", name);
}

bool
name_check_entity(const char *service, const char *name)
{
	if (!check_snake("entity", name) || !check_words("entity", name))
		return false;
	if (IS_IN(entity_words, name) || str_has_prefix(name, "pg_") ||
	    str_has_prefix(name, "job_") || str_has_prefix(name, "webhook_") ||
	    str_has_prefix(name, "kedge_") || str_eq(name, "request_key") ||
	    ends_with(name, "_usage") || ends_with(name, "_store") ||
	    ends_with(name, "_routes")) {
		print_error("entity %s: Kedge has this name already; choose "
			    "another",
		    name);
		return false;
	}
	if (!str_eq(service, name))
		return true;
	print_error(
	    "entity %s: the service has this name; choose another", name);
	return false;
}

bool
name_check_field(const char *name)
{
	if (!check_snake("field", name) || !check_words("field", name))
		return false;
	if (!IS_IN(field_words, name))
		return true;
	print_error(
	    "field %s: each entity has this already; choose another name",
	    name);
	return false;
}
