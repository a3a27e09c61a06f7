/*
 * fuzz_schema: the first line of the input is a query string, the rest a JSON
 * body.  If the input is accepted by a schema, the values fulfil its rows, and
 * are unchanged when written and read again.  If it is refused, problems are
 * reported.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"
#include "base/utf8.h"
#include "base/uuid.h"
#include "web/schema.h"

struct values {
	const char *name;
	const char *note;
	struct opt_string nick;
	int64_t count;
	bool done;
	struct opt_bool seen;
	const char *id;
	const char *at;
	const char *kind;
};
struct params {
	int64_t limit;
	const char *q;
	struct opt_bool all;
};

static const char *const kinds[] = { "low", "high", NULL };

/* clang-format off */
static const struct field value_fields[] = {
	{ FIELD(struct values, name, "name"), .required = true,
	  .min = 1, .max = 5 },
	{ FIELD(struct values, note, "note"), .nullable = true },
	{ FIELD(struct values, nick, "nick"), .nullable = true },
	{ FIELD(struct values, count, "count"), .min = -3, .max = 3 },
	{ FIELD(struct values, done, "done") },
	{ FIELD(struct values, seen, "seen") },
	{ FIELD(struct values, id, "id"), .format = FMT_UUID },
	{ FIELD(struct values, at, "at"), .format = FMT_DATE_TIME },
	{ FIELD(struct values, kind, "kind"), .one_of = kinds },
	{ 0 },
};
static const struct field param_fields[] = {
	{ FIELD(struct params, limit, "limit"), .from = FROM_QUERY,
	  .fallback = "50", .min = 1, .max = 100 },
	{ FIELD(struct params, q, "q"), .from = FROM_QUERY, .max = 3 },
	{ FIELD(struct params, all, "all"), .from = FROM_QUERY },
	{ 0 },
};
/* clang-format on */
static const struct schema strict = {
	.size = sizeof(struct values),
	.fields = value_fields,
	.refuse_unknown = true,
};
static const struct schema lax = SCHEMA(struct values, value_fields);
static const struct schema params_schema = SCHEMA(struct params, param_fields);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
check_problems(const struct problems *p)
{
	assert(p->count > 0 && p->count <= PROBLEMS_MAX);
	for (int i = 0; i < p->count; i++) {
		assert(p->items[i].name != NULL);
		assert(p->items[i].received != NULL);
		assert(p->items[i].message != NULL);
	}
}

static void
check_values(const struct values *v)
{
	int64_t ms;

	assert(v->name != NULL);
	assert(utf8_length(v->name) >= 1 && utf8_length(v->name) <= 5);
	assert(v->count >= -3 && v->count <= 3);
	assert(v->nick.set || v->nick.value == NULL);
	assert(v->id == NULL || uuid_valid(v->id));
	assert(v->id == NULL || strpbrk(v->id, "ABCDEF") == NULL);
	assert(v->at == NULL || clock_read(v->at, &ms));
	assert(v->kind == NULL || str_eq(v->kind, kinds[0]) ||
	       str_eq(v->kind, kinds[1]));
}

static const char *
write_values(struct arena *a, const struct values *v)
{
	struct buf b;

	buf_init(&b, a, 1 << 24);
	schema_write(&lax, &b, v);
	assert(!buf_failed(&b));
	return b.data;
}

static void
check_body(struct arena *a, const char *text)
{
	struct json_read_result result;
	struct schema_input input = { 0 };
	struct problems problems;
	const char *problem, *once;
	struct values v;

	input.body =
	    json_read_bounded(a, text, strlen(text), JSON_VALUES_MAX, &result);
	input.body_inexact = &result.inexact;
	if (schema_read(&lax, a, &input, &v, &problems) != ERR_OK) {
		check_problems(&problems);
		assert(schema_read(&strict, a, &input, &v, &problems) ==
		       ERR_INVALID);
		return;
	}
	check_values(&v);
	once = write_values(a, &v);
	input.body = json_read(a, once, strlen(once), &problem);
	assert(input.body != NULL);
	assert(schema_read(&strict, a, &input, &v, &problems) == ERR_OK);
	assert(strcmp(once, write_values(a, &v)) == 0);
}

static void
check_query(struct arena *a, const char *query)
{
	struct schema_input input = { .query = query,
		.refuse_unknown_query = true };
	struct problems problems;
	struct params p;

	if (schema_read(&params_schema, a, &input, &p, &problems) != ERR_OK) {
		check_problems(&problems);
		return;
	}
	assert(p.limit >= 1 && p.limit <= 100);
	assert(p.q == NULL || utf8_length(p.q) <= 3);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct arena *a = arena_new();
	char *text = arena_strndup(a, (const char *)data, len);
	char *end = text + strcspn(text, "\n");

	check_body(a, *end != '\0' ? end + 1 : end);
	*end = '\0';
	check_query(a, text);

	arena_free(a);
	return 0;
}
