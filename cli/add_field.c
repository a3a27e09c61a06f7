#include "add_field.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "base/arena.h"
#include "base/str.h"

#include "message.h"
#include "nearest.h"
#include "template.h"

enum {
	TEXT_MAX_DEFAULT = 10000,
	TEXT_MAX = 80000, /* an escaped body of it still passes nginx's 1 MiB */
	VALUE_LEN_MAX = 40,
};
/* The integers that each program for JSON reads exactly: up to 2^53 - 1. */
#define INTEGER_MAX INT64_C(9007199254740991)

struct type {
	const char *name;
	const char *sql;
	const char *rule; /* the format of the rows of a schema */
	const char *words; /* for the README */
};

static const struct type types[] = {
	[ADD_FIELD_TEXT] = { "text", "text", "", "text" },
	[ADD_FIELD_INTEGER] = { "integer", "bigint", "", "integer" },
	[ADD_FIELD_BOOLEAN] = { "boolean", "boolean", "", "boolean" },
	[ADD_FIELD_TIMESTAMP] = { "timestamp", "timestamptz",
	    ", .format = FMT_DATE_TIME", "date and time, RFC 3339" },
	[ADD_FIELD_DATE] = { "date", "date", ", .format = FMT_DATE",
	    "date like 2026-01-02" },
	[ADD_FIELD_UUID] = { "uuid", "uuid", ", .format = FMT_UUID", "UUID" },
	[ADD_FIELD_MONEY] = { "money", "bigint", "",
	    "integer, in minor units such as cents" },
};

/* -- reading -- */

static bool
fail(const struct add_field *f, const char *problem, const char *what)
{
	print_error("field %s: \"%s\" %s", f->name.snake, what, problem);
	return false;
}

static bool
read_type(const char *text, struct add_field *f)
{
	const char *names[ADD_FIELD__MAX + 1] = { NULL };
	const char *meant;
	int i;

	for (i = 0; i < ADD_FIELD__MAX; i++) {
		names[i] = types[i].name;
		if (!str_eq(types[i].name, text))
			continue;
		f->type = (enum add_field_type)i;
		return true;
	}
	meant = nearest_name(names, text);
	print_error(
	    "field %s: there is no type \"%s\"%s%s%s; the types are text, "
	    "integer, boolean, timestamp, date, uuid and money",
	    f->name.snake, text, meant != NULL ? " (" : "",
	    meant != NULL ? meant : "", meant != NULL ? "?)" : "");
	return false;
}

/* Reads "TYPE[(LENGTH)][?]", which is changed. */
static bool
read_kind(char *text, struct add_field *f)
{
	size_t len = strlen(text);
	char *length;

	if (len > 0 && text[len - 1] == '?') {
		f->nullable = true;
		text[--len] = '\0';
	}
	length = strchr(text, '(');
	if (length != NULL && text[len - 1] != ')')
		return fail(f,
		    "is not closed; write text(200), or text(200)? "
		    "for one that may be null",
		    text);
	if (length != NULL) {
		text[len - 1] = '\0';
		*length++ = '\0';
	}
	if (!read_type(text, f))
		return false;
	if (f->type == ADD_FIELD_TEXT) {
		f->min = f->nullable ? 0 : 1;
		f->max = TEXT_MAX_DEFAULT;
	} else if (add_field_is_number(f)) {
		f->min = f->type == ADD_FIELD_MONEY ? 0 : -INTEGER_MAX;
		f->max = INTEGER_MAX;
	}
	if (length == NULL)
		return true;
	if (f->type != ADD_FIELD_TEXT)
		return fail(f, "has no length; only text has", text);
	return str_i64(length, 1, TEXT_MAX, &f->max) ||
	       fail(f, "is not a length from 1 to 80000", length);
}

static bool
read_bound(
    struct add_field *f, const char *rule, const char *text, int64_t *ret_bound)
{
	if (!add_field_is_number(f))
		return fail(f, "is a rule for integer and money", rule);
	return str_i64(text, -INTEGER_MAX, INTEGER_MAX, ret_bound) ||
	       fail(f, "is not a whole number up to 2^53 - 1", text);
}

static bool
is_value(const char *s)
{
	size_t i;

	for (i = 0; s[i] != '\0'; i++)
		if (!str_is_alnum(s[i]) && s[i] != '_' && s[i] != '-')
			return false;
	return i > 0 && i <= VALUE_LEN_MAX;
}

static bool
read_values(struct add_field *f, const char *rule, char *text)
{
	char *value;
	int i;

	if (f->type != ADD_FIELD_TEXT)
		return fail(f, "is a rule for text", rule);
	while ((value = strsep(&text, ",")) != NULL) {
		if (!is_value(value))
			return fail(f,
			    "is not a value of letters, digits, "
			    "\"-\" and \"_\", at most 40",
			    value);
		for (i = 0; i < f->nvalues; i++)
			if (str_eq(f->values[i], value))
				return fail(f, "is there twice", value);
		if (f->nvalues == ADD_FIELD_VALUES_MAX)
			return fail(f, "has more than 16 values", rule);
		f->values[f->nvalues++] = value;
		if ((int64_t)strlen(value) > f->max)
			return fail(f, "is longer than the text", value);
	}
	return true;
}

static bool
read_rule(struct arena *a, char *rule, struct add_field *f)
{
	const char *whole = arena_strdup(a, rule);

	if (str_has_prefix(rule, "min="))
		return read_bound(f, whole, rule + 4, &f->min);
	if (str_has_prefix(rule, "max="))
		return read_bound(f, whole, rule + 4, &f->max);
	if (str_has_prefix(rule, "in="))
		return read_values(f, whole, rule + 3);
	if (!str_eq(rule, "line"))
		return fail(f,
		    "is not a rule: they are line and in=a,b for "
		    "text, min=N and max=N for integer and money",
		    whole);
	if (f->type != ADD_FIELD_TEXT)
		return fail(f, "is a rule for text", whole);
	f->line = true;
	if (f->min == 0)
		f->min = 1;
	return true;
}

bool
add_field_read(struct arena *a, const char *text, struct add_field *ret_field)
{
	struct add_field f = { 0 };
	char *rest = arena_strdup(a, text);
	const char *name = strsep(&rest, ":");
	char *part;

	if (!name_check_field(name))
		return false;
	f.name = name_spell(a, name);
	if (rest == NULL) {
		print_error("field %s: the type is missing; write %s:text, or "
			    "another type",
		    name, name);
		return false;
	}
	part = strsep(&rest, ":");
	if (!read_kind(part, &f))
		return false;
	while ((part = strsep(&rest, ":")) != NULL)
		if (!read_rule(a, part, &f))
			return false;
	if (f.min > f.max)
		return fail(&f, "allows no value: min is above max", text);
	*ret_field = f;
	return true;
}

/* -- what it is -- */

bool
add_field_is_number(const struct add_field *f)
{
	return f->type == ADD_FIELD_INTEGER || f->type == ADD_FIELD_MONEY;
}

bool
add_field_is_string(const struct add_field *f)
{
	return f->type != ADD_FIELD_BOOLEAN && !add_field_is_number(f);
}

static bool
is_text(const struct add_field *f)
{
	return f->type == ADD_FIELD_TEXT;
}

/* -- in C -- */

static const char *
c_type(const struct add_field *f)
{
	if (add_field_is_string(f))
		return "const char *";
	if (add_field_is_number(f))
		return f->nullable ? "struct opt_int64 " : "int64_t ";
	return f->nullable ? "struct opt_bool " : "bool ";
}

static const char *
patch_type(const struct add_field *f)
{
	if (add_field_is_string(f))
		return f->nullable ? "struct opt_string " : "const char *";
	return add_field_is_number(f) ? "struct opt_int64 "
	                              : "struct opt_bool ";
}

static const char *
getter(const struct add_field *f)
{
	if (add_field_is_string(f))
		return f->nullable ? "db_find_text" : "db_get_text";
	if (add_field_is_number(f))
		return f->nullable ? "find_int" : "db_get_i64";
	return f->nullable ? "find_bool" : "db_get_bool";
}

const char *
add_field_argument(struct arena *a, const struct add_field *f)
{
	const char *name = f->name.snake;

	if (add_field_is_string(f))
		return arena_printf(a, "in->%s", name);
	if (add_field_is_number(f))
		return arena_printf(a,
		    f->nullable ? "int_or_null(a, in->%s)"
				: "arena_i64(a, in->%s)",
		    name);
	return arena_printf(a,
	    f->nullable ? "bool_or_null(in->%s)" : "bool_text(in->%s)", name);
}

const char *
add_field_is_set(struct arena *a, const struct add_field *f)
{
	const char *name = f->name.snake;

	if (add_field_is_string(f) && !f->nullable)
		return arena_printf(a, "p->%s != NULL", name);
	if (add_field_is_string(f) || !f->nullable)
		return arena_printf(a, "p->%s.set", name);
	return arena_printf(a, "p->%s.set || p->%s.is_null", name, name);
}

const char *
add_field_is_unset(struct arena *a, const struct add_field *f)
{
	const char *name = f->name.snake;

	if (add_field_is_string(f) && !f->nullable)
		return arena_printf(a, "p->%s == NULL", name);
	if (add_field_is_string(f) || !f->nullable)
		return arena_printf(a, "!p->%s.set", name);
	return arena_printf(a, "!p->%s.set && !p->%s.is_null", name, name);
}

/* -- values for tests -- */

static int64_t
within(const struct add_field *f, int64_t n)
{
	return n < f->min ? f->min : n > f->max ? f->max : n;
}

/*
 * Returns a sample value of the field as JSON for the tests. `which` is 0 for a
 * new object, and 1 for a change of it.
 */
static const char *
sample(struct arena *a, const struct add_field *f, int which)
{
	static const char *const words[] = { "alpha", "beta" };
	static const char *const letters[] = { "a", "b" };
	static const char *const times[] = { "2030-01-02T03:04:05.000Z",
		"2031-02-03T04:05:06.000Z" };
	static const char *const days[] = { "2030-01-02", "2031-02-03" };
	static const char *const uuids[] = {
		"01890a5d-ac96-774b-bcce-b302099a8057",
		"01890a5d-ac96-774b-bcce-b302099a8058"
	};

	switch (f->type) {
	case ADD_FIELD_TEXT:
		if (f->nvalues > 0)
			return f->values[which < f->nvalues ? which : 0];
		return (f->max < 5 ? letters : words)[which];
	case ADD_FIELD_INTEGER:
	case ADD_FIELD_MONEY:
		return arena_i64(a, within(f, which + 1));
	case ADD_FIELD_BOOLEAN:
		return which == 0 ? "true" : "false";
	case ADD_FIELD_TIMESTAMP:
		return times[which];
	case ADD_FIELD_DATE:
		return days[which];
	case ADD_FIELD_UUID:
		return uuids[which];
	case ADD_FIELD__MAX:
		break;
	}
	return "";
}

static const char *
json_sample(struct arena *a, const struct add_field *f)
{
	return add_field_is_string(f)
	           ? arena_printf(a, "\"%s\"", sample(a, f, 0))
	           : sample(a, f, 0);
}

static const char *
c_sample(struct arena *a, const struct add_field *f)
{
	if (!add_field_is_string(f) && f->nullable)
		return arena_printf(
		    a, "{ .value = %s, .set = true }", sample(a, f, 0));
	return json_sample(a, f);
}

static const char *
c_check(struct arena *a, const struct add_field *f)
{
	const char *n = f->name.snake;

	if (add_field_is_string(f))
		return arena_printf(
		    a, "ck_assert_str_eq(item->%s, sample.%s);", n, n);
	if (f->nullable)
		return arena_printf(a,
		    "ck_assert(item->%s.set && item->%s.value == "
		    "sample.%s.value);",
		    n, n, n);
	return arena_printf(a, "ck_assert(item->%s == sample.%s);", n, n);
}

const char *
add_field_patch(struct arena *a, const struct add_field *f)
{
	const char *value = sample(a, f, 1);

	if (add_field_is_string(f))
		value = arena_printf(a, "\"%s\"", value);
	return add_field_is_string(f) && !f->nullable
	           ? value
	           : arena_printf(a, "{ .value = %s, .set = true }", value);
}

const char *
add_field_patch_check(struct arena *a, const struct add_field *f)
{
	const char *value = sample(a, f, 1);
	const char *n = f->name.snake;

	if (add_field_is_string(f))
		return arena_printf(
		    a, "ck_assert_str_eq(out.%s, \"%s\");", n, value);
	return arena_printf(a, "ck_assert(out.%s%s == %s);", n,
	    f->nullable ? ".value" : "", value);
}

const char *
add_field_json(struct arena *a, const struct add_field *f)
{
	return arena_printf(a, "\"%s\": %s", f->name.camel, json_sample(a, f));
}

static const char *
perl_sample(struct arena *a, const struct add_field *f)
{
	if (f->type == ADD_FIELD_BOOLEAN)
		return "\\1";
	return add_field_is_string(f) ? arena_printf(a, "'%s'", sample(a, f, 0))
	                              : sample(a, f, 0);
}

/* -- rules -- */

static const char *
rule(struct arena *a, const struct name *entity, const struct add_field *f)
{
	if (f->nvalues > 0)
		return arena_printf(
		    a, ",\n\t  .one_of = %s_values", f->name.snake);
	if (is_text(f))
		return arena_printf(a, ",\n\t  %s.max = %s_%s_MAX%s",
		    f->min > 0 ? ".min = 1, " : "", entity->capitals,
		    f->name.capitals, f->line ? ", .format = FMT_LINE" : "");
	if (add_field_is_number(f))
		return arena_printf(a,
		    ",\n\t  .min = %" PRId64 ", .max = %" PRId64, f->min,
		    f->max);
	return types[f->type].rule;
}

static const char *
out_rule(struct arena *a, const struct add_field *f)
{
	if (f->nvalues > 0)
		return arena_printf(
		    a, ",\n\t  .one_of = %s_values", f->name.snake);
	return types[f->type].rule;
}

static const char *
join_values(struct arena *a, const struct add_field *f, const char *quote)
{
	const char *text = "";
	int i;

	for (i = 0; i < f->nvalues; i++)
		text = arena_printf(a, "%s%s%s%s%s", text, i > 0 ? ", " : "",
		    quote, f->values[i], quote);
	return text;
}

static const char *
check(struct arena *a, const struct add_field *f)
{
	const char *name = f->name.snake;

	if (f->nvalues > 0)
		return arena_printf(
		    a, " CHECK (%s IN (%s))", name, join_values(a, f, "'"));
	if (is_text(f) && f->min > 0)
		return arena_printf(a,
		    "\n\t\tCHECK (char_length(%s) BETWEEN %" PRId64
		    " AND %" PRId64 ")",
		    name, f->min, f->max);
	if (is_text(f))
		return arena_printf(
		    a, " CHECK (char_length(%s) <= %" PRId64 ")", name, f->max);
	if (add_field_is_number(f))
		return arena_printf(a,
		    "\n\t\tCHECK (%s BETWEEN %" PRId64 " AND %" PRId64 ")",
		    name, f->min, f->max);
	return "";
}

/* The column in a list of columns, with the comma after it. */
static const char *
column(struct arena *a, const struct add_field *f)
{
	const char *name = f->name.snake;

	if (f->type == ADD_FIELD_TIMESTAMP)
		return arena_printf(a, "DB_TIME(\"%s\") \", \"", name);
	if (f->type == ADD_FIELD_DATE)
		return arena_printf(a, "\"to_char(%s, 'YYYY-MM-DD'), \"", name);
	return arena_printf(a, "\"%s, \"", name);
}

static const char *
words(struct arena *a, const struct add_field *f)
{
	const char *text = types[f->type].words;

	if (f->nvalues > 0)
		return arena_printf(a, "one of %s", join_values(a, f, "`"));
	if (is_text(f))
		return arena_printf(a, "%s of at most %" PRId64 " characters",
		    f->line ? "one line" : text, f->max);
	if (f->min == -INTEGER_MAX && f->max == INTEGER_MAX)
		return text;
	if (add_field_is_number(f))
		return arena_printf(
		    a, "%s, %" PRId64 " to %" PRId64, text, f->min, f->max);
	return text;
}

const struct template_value *
add_field_values(struct arena *a, const struct name *entity,
    const struct add_field *f, int index)
{
	bool has_values = f->nvalues > 0;
	const char *longest =
	    has_values ? arena_printf(a, "'%s'", f->values[f->nvalues - 1])
		       : arena_printf(a, "'x' x %" PRId64, f->max);
	const char *too_long =
	    has_values ? "'no-such-value'"
		       : arena_printf(a, "'x' x %" PRId64, f->max + 1);
	const struct template_value list[] = {
		{ "name", f->name.snake },
		{ "NAME", f->name.capitals },
		{ "json", f->name.camel },
		{ "c_type", c_type(f) },
		{ "patch_type", patch_type(f) },
		{ "comment", add_field_is_string(f) && f->nullable
				 ? " /* or NULL */"
				 : "" },
		{ "getter", getter(f) },
		{ "column", column(a, f) },
		{ "sql_type", types[f->type].sql },
		{ "check", check(a, f) },
		{ "rule", rule(a, entity, f) },
		{ "out_rule", out_rule(a, f) },
		{ "doc",
		    f->type == ADD_FIELD_MONEY
			? ",\n\t  .doc = \"In minor units, for example cents.\""
			: "" },
		{ "values", join_values(a, f, "\"") },
		{ "is_set", add_field_is_set(a, f) },
		{ "update_n", arena_i64(a, index + 3) },
		{ "min", arena_i64(a, f->min) },
		{ "max", arena_i64(a, f->max) },
		{ "below", arena_i64(a, f->min - 1) },
		{ "above", arena_i64(a, f->max + 1) },
		{ "c_sample", c_sample(a, f) },
		{ "c_check", c_check(a, f) },
		{ "perl_sample", perl_sample(a, f) },
		{ "perl_longest", longest },
		{ "perl_too_long", too_long },
		{ "type_words", words(a, f) },
		{ "required_words", f->nullable ? "or null" : "required" },
		{ "required", .items = template_when(!f->nullable) },
		{ "nullable", .items = template_when(f->nullable) },
		{ "has_min", .items = template_when(f->min > 0) },
		{ "text", .items = template_when(is_text(f)) },
		{ "free_text",
		    .items = template_when(is_text(f) && !has_values) },
		{ "in", .items = template_when(has_values) },
		{ "line", .items = template_when(f->line && !has_values) },
		{ "string", .items = template_when(add_field_is_string(f)) },
		{ "plain_string", .items = template_when(
				      add_field_is_string(f) && !f->nullable) },
		{ "by_value",
		    .items = template_when(
			add_field_is_string(f) ? f->nullable : !f->nullable) },
		{ "number", .items = template_when(add_field_is_number(f)) },
		{ "boolean",
		    .items = template_when(f->type == ADD_FIELD_BOOLEAN) },
		{ "timestamp",
		    .items = template_when(f->type == ADD_FIELD_TIMESTAMP) },
		{ "date", .items = template_when(f->type == ADD_FIELD_DATE) },
		{ "uuid", .items = template_when(f->type == ADD_FIELD_UUID) },
		{ NULL },
	};
	struct template_value *copy = arena_alloc(a, sizeof(list));

	memcpy(copy, list, sizeof(list));
	return copy;
}
