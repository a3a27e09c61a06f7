#include <string.h>

#include "unit.h"

#include "base/arena.h"
#include "base/attr.h"
#include "base/buf.h"
#include "base/json.h"
#include "web/schema.h"

static struct arena *a;

static void
setup(void)
{
	a = arena_new();
}

static void
teardown(void)
{
	arena_free(a);
}

struct in {
	const char *title;
	const char *note;
	struct opt_string nick;
	int64_t count;
	bool done;
	struct opt_bool hidden;
	const char *kind;
	const char *id;
	const char *due_at;
	int64_t debt;
	struct strings labels;
};

static const char *const kinds[] = { "low", "high", NULL };

/* clang-format off */
static const struct field in_fields[] = {
	{ FIELD(struct in, title, "title"), .required = true,
	  .min = 2, .max = 4 },
	{ FIELD(struct in, note, "note"), .nullable = true, .min = 1 },
	{ FIELD(struct in, nick, "nick"), .nullable = true, .max = 3 },
	{ FIELD(struct in, count, "count"), .min = 1, .max = 10 },
	{ FIELD(struct in, done, "done") },
	{ FIELD(struct in, hidden, "hidden") },
	{ FIELD(struct in, kind, "kind"), .one_of = kinds },
	{ FIELD(struct in, id, "id"), .format = FMT_UUID },
	{ FIELD(struct in, due_at, "dueAt"), .format = FMT_DATE_TIME },
	{ FIELD(struct in, debt, "debt"), .min = -5, .max = 0 },
	{ FIELD(struct in, labels, "labels"), .min = 1, .max = 3 },
	{ 0 },
};
/* clang-format on */
static const struct schema in_schema = SCHEMA(struct in, in_fields);

/* Returns the problems as text: "field problem received; ..." */
static const char *
problems_text(const struct problems *p)
{
	static const char *const names[] = {
		[PROBLEM_MISSING] = "missing",
		[PROBLEM_TYPE] = "type",
		[PROBLEM_TOO_SMALL] = "small",
		[PROBLEM_TOO_LARGE] = "large",
		[PROBLEM_FORMAT] = "format",
		[PROBLEM_UNKNOWN] = "unknown",
		[PROBLEM_DUPLICATE] = "duplicate",
		[PROBLEM_RULE] = "rule",
	};
	const char *text = "";

	for (int i = 0; i < p->count; i++) {
		const struct problem *item = &p->items[i];

		ck_assert_ptr_nonnull(item->message);
		text = arena_printf(a, "%s%s%s %s %s", text, i > 0 ? "; " : "",
		    item->name, names[item->kind], item->received);
	}
	return text;
}

static enum err
read_body(const struct schema *s, const char *text, void *ret,
    struct problems *ret_problems)
{
	struct schema_input input = { 0 };
	const char *problem = "";

	if (text != NULL) {
		input.body = json_read(a, text, strlen(text), &problem);
		ck_assert_msg(input.body != NULL, "%s: %s", text, problem);
	}
	return schema_read(s, a, &input, ret, ret_problems);
}

/* In JSON Schema an integer is any number without a fractional part. */
static const struct {
	const char *count;
	int64_t value; /* 0: refused */
	const char *problem;
} reals[] = {
	{ "10", 10, NULL },
	{ "10.0", 10, NULL },
	{ "1e1", 10, NULL },
	{ "1E+1", 10, NULL },
	{ "100e-1", 10, NULL },
	{ "0.3e1", 3, NULL },
	{ "10.5", 0, "count type number" },
	{ "1e-1", 0, "count type number" },
	{ "10.00000000000000001", 0, "count type number" },
	{ "1e2", 0, "count large number" },
	{ "-1.0", 0, "count small number" },
	{ "9007199254740993.0", 0, "count type number" },
	{ "1e300", 0, "count type number" },
	/*
	 * Whether a number is a valid integer does not depend on the other
	 * numbers of the body.
	 */
	{ "10.0,\"x\":{\"y\":[52.520006599999999]}", 10, NULL },
	{ "10.00000000000000001,\"x\":1.5", 0, "count type number" },
};

START_TEST(read_integers_that_are_written_as_reals)
{
	const char *text = arena_printf(
	    a, "{\"title\":\"abc\",\"count\":%s}", reals[_i].count);
	struct json_read_result result;
	struct schema_input input = { 0 };
	struct problems problems;
	struct in in;
	enum err e;

	input.body = json_read_bounded(a, text, strlen(text), 100, &result);
	ck_assert_ptr_nonnull(input.body);
	input.body_inexact = &result.inexact;
	e = schema_read(&in_schema, a, &input, &in, &problems);
	if (reals[_i].problem == NULL) {
		ck_assert_int_eq(e, ERR_OK);
		ck_assert_int_eq(in.count, reals[_i].value);
	} else {
		ck_assert_int_eq(e, ERR_INVALID);
		ck_assert_str_eq(problems_text(&problems), reals[_i].problem);
	}
}
END_TEST

#define UUID "0190a6f0-8e2a-7b3c-9d4e-5f60718293a4"

START_TEST(read_all_fields)
{
	static const char body[] =
	    "{\"title\":\"abc\",\"note\":\"n\",\"nick\":\"nn\",\"count\":10,"
	    "\"done\":true,\"hidden\":false,\"kind\":\"high\","
	    "\"id\":\"0190A6F0-8e2a-7b3c-9d4e-5F60718293A4\","
	    "\"dueAt\":\"2026-01-02T04:04:05.6789+01:00\",\"debt\":-5,"
	    "\"labels\":[\"a\",\"b\"]}";
	struct problems problems;
	struct in in;

	ck_assert_int_eq(read_body(&in_schema, body, &in, &problems), ERR_OK);
	ck_assert_str_eq(in.title, "abc");
	ck_assert_str_eq(in.note, "n");
	ck_assert(in.nick.set);
	ck_assert_str_eq(in.nick.value, "nn");
	ck_assert_int_eq(in.count, 10);
	ck_assert(in.done);
	ck_assert(in.hidden.set && !in.hidden.value);
	ck_assert_str_eq(in.kind, "high");
	ck_assert_str_eq(in.id, UUID);
	ck_assert_str_eq(in.due_at, "2026-01-02T03:04:05.678Z");
	ck_assert_int_eq(in.debt, -5);
	ck_assert_uint_eq(in.labels.count, 2);
	ck_assert_str_eq(in.labels.items[1], "b");
}
END_TEST

START_TEST(read_absent_is_zero_whatever_was_there)
{
	struct problems problems;
	struct in in;

	memset(&in, 0xff, sizeof(in));
	ck_assert_int_eq(
	    read_body(&in_schema, "{\"title\":\"ab\"}", &in, &problems),
	    ERR_OK);
	ck_assert_ptr_null(in.note);
	ck_assert(!in.nick.set && in.nick.value == NULL);
	ck_assert_int_eq(in.count, 0);
	ck_assert(!in.done && !in.hidden.set);
	ck_assert_ptr_null(in.id);
}
END_TEST

START_TEST(read_null_sets_what_is_nullable)
{
	struct problems problems;
	struct in in;

	ck_assert_int_eq(read_body(&in_schema,
			     "{\"title\":\"ab\",\"note\":null,\"nick\":null}",
			     &in, &problems),
	    ERR_OK);
	ck_assert_ptr_null(in.note);
	ck_assert(in.nick.set && in.nick.value == NULL);
}
END_TEST

START_TEST(read_counts_code_points_not_bytes)
{
	struct problems problems;
	struct in in;

	ck_assert_int_eq(
	    read_body(&in_schema,
		"{\"title\":\"\\ud83d\\ude00\xc3\xa9\xe2\x82\xac.\"}", &in,
		&problems),
	    ERR_OK);
	ck_assert_int_eq(
	    read_body(&in_schema, "{\"title\":\"\xc3\xa9\"}", &in, &problems),
	    ERR_INVALID);
}
END_TEST

START_TEST(read_ignores_unknown_fields)
{
	struct problems problems;
	struct in in;

	ck_assert_int_eq(read_body(&in_schema,
			     "{\"title\":\"ab\",\"userId\":\"x\",\"Title\":1}",
			     &in, &problems),
	    ERR_OK);
	ck_assert_str_eq(in.title, "ab");
}
END_TEST

/* clang-format off */
static const struct {
	const char *body, *problems;
} rejections[] = {
	{ NULL, " missing undefined" },
	{ "null", " type null" },
	{ "[]", " type array" },
	{ "[{\"title\":\"ab\"}]", " type array" },
	{ "\"ab\"", " type string" },
	{ "7", " type number" },
	{ "true", " type boolean" },
	{ "{}", "title missing undefined" },
	{ "{\"title\":null}", "title type null" },
	{ "{\"title\":7}", "title type number" },
	{ "{\"title\":1.5}", "title type number" },
	{ "{\"title\":true}", "title type boolean" },
	{ "{\"title\":[]}", "title type array" },
	{ "{\"title\":{}}", "title type object" },
	{ "{\"title\":\"\"}", "title small string" },
	{ "{\"title\":\"a\"}", "title small string" },
	{ "{\"title\":\"abcde\"}", "title large string" },
	{ "{\"title\":\"ab\",\"note\":\"\"}", "note small string" },
	{ "{\"title\":\"ab\",\"note\":1}", "note type number" },
	{ "{\"title\":\"ab\",\"nick\":\"abcd\"}", "nick large string" },
	{ "{\"title\":\"ab\",\"nick\":false}", "nick type boolean" },
	{ "{\"title\":\"ab\",\"count\":0}", "count small number" },
	{ "{\"title\":\"ab\",\"count\":11}", "count large number" },
	{ "{\"title\":\"ab\",\"count\":1.0}", "count type number" },
	{ "{\"title\":\"ab\",\"count\":1e0}", "count type number" },
	{ "{\"title\":\"ab\",\"count\":\"1\"}", "count type string" },
	{ "{\"title\":\"ab\",\"count\":null}", "count type null" },
	{ "{\"title\":\"ab\",\"done\":1}", "done type number" },
	{ "{\"title\":\"ab\",\"done\":\"true\"}", "done type string" },
	{ "{\"title\":\"ab\",\"done\":null}", "done type null" },
	{ "{\"title\":\"ab\",\"hidden\":0}", "hidden type number" },
	{ "{\"title\":\"ab\",\"hidden\":null}", "hidden type null" },
	{ "{\"title\":\"ab\",\"kind\":\"Low\"}", "kind format string" },
	{ "{\"title\":\"ab\",\"kind\":\"\"}", "kind format string" },
	{ "{\"title\":\"ab\",\"id\":\"\"}", "id format string" },
	{ "{\"title\":\"ab\",\"id\":\"" UUID "0\"}", "id format string" },
	{ "{\"title\":\"ab\",\"id\":\"{" UUID "}\"}", "id format string" },
	{ "{\"title\":\"ab\",\"dueAt\":\"2026-02-30T00:00:00Z\"}",
	  "dueAt format string" },
	{ "{\"title\":\"ab\",\"dueAt\":\"2026-01-02\"}",
	  "dueAt format string" },
	{ "{\"title\":\"ab\",\"debt\":1}", "debt large number" },
	{ "{\"title\":\"ab\",\"debt\":-6}", "debt small number" },
	{ "{\"title\":\"ab\",\"labels\":[]}", "labels small array" },
	{ "{\"title\":\"ab\",\"labels\":[\"\",\"\",\"\",\"\"]}",
	  "labels large array" },
	{ "{\"title\":\"ab\",\"labels\":[\"a\",1]}", "labels type array" },
	{ "{\"title\":\"ab\",\"labels\":\"a\"}", "labels type string" },
	{ "{\"title\":\"ab\",\"labels\":null}", "labels type null" },
	{ "{\"count\":0,\"done\":\"\",\"nick\":1}",
	  "title missing undefined; nick type number; count small number; "
	  "done type string" },
};
/* clang-format on */

START_TEST(read_rejections)
{
	struct problems problems;
	struct in in;

	ck_assert_int_eq(
	    read_body(&in_schema, rejections[_i].body, &in, &problems),
	    ERR_INVALID);
	ck_assert_str_eq(problems_text(&problems), rejections[_i].problems);
}
END_TEST

START_TEST(read_unknown_is_refused_where_the_schema_says_so)
{
	struct schema strict = in_schema;
	struct problems problems;
	struct in in;

	strict.refuse_unknown = true;
	ck_assert_int_eq(
	    read_body(&strict, "{\"x\":1,\"title\":\"a\",\"Done\":null}", &in,
		&problems),
	    ERR_INVALID);
	ck_assert_str_eq(problems_text(&problems),
	    "title small string; x unknown number; Done unknown null");
}
END_TEST

START_TEST(read_keeps_a_bounded_number_of_problems)
{
	struct schema strict = in_schema;
	struct problems problems;
	struct buf b;
	struct in in;

	strict.refuse_unknown = true;
	buf_init(&b, a, 10000);
	buf_puts(&b, "{\"title\":\"ab\"");
	for (int i = 0; i < 100; i++)
		buf_printf(&b, ",\"x%d\":0", i);
	buf_putc(&b, '}');
	ck_assert_int_eq(
	    read_body(&strict, b.data, &in, &problems), ERR_INVALID);
	ck_assert_int_eq(problems.count, PROBLEMS_MAX);
}
END_TEST

struct params {
	const char *id;
	const char *match;
	int64_t limit;
	bool all;
	const char *q;
	struct opt_string sort;
};

static const char *const sorts[] = { "up", "down", NULL };

/* clang-format off */
static const struct field params_fields[] = {
	{ FIELD(struct params, id, "id"), .from = FROM_PATH, .required = true,
	  .format = FMT_UUID },
	{ FIELD(struct params, match, "If-Match"), .from = FROM_HEADER,
	  .max = 5 },
	{ FIELD(struct params, limit, "limit"), .from = FROM_QUERY,
	  .fallback = "50", .min = 1, .max = 100 },
	{ FIELD(struct params, all, "all"), .from = FROM_QUERY },
	{ FIELD(struct params, q, "q"), .from = FROM_QUERY, .max = 3 },
	{ FIELD(struct params, sort, "sort"), .from = FROM_QUERY,
	  .one_of = sorts },
	{ 0 },
};
/* clang-format on */
static const struct schema params_schema = SCHEMA(struct params, params_fields);

struct values {
	const char *id, *match;
};

static const char *
value_of(void *ctx, enum field_from from, const char *name)
{
	const struct values *v = ctx;

	if (from == FROM_PATH) {
		ck_assert_str_eq(name, "id");
		return v->id;
	}
	ck_assert_int_eq(from, FROM_HEADER);
	ck_assert_str_eq(name, "If-Match");
	return v->match;
}

static enum err
read_params(struct values values, const char *query, struct params *ret,
    struct problems *ret_problems)
{
	struct schema_input input = {
		.query = query,
		.param = value_of,
		.param_ctx = &values,
	};

	return schema_read(&params_schema, a, &input, ret, ret_problems);
}

START_TEST(read_params_all)
{
	struct problems problems;
	struct params in;

	ck_assert_int_eq(
	    read_params((struct values){ UUID, "\"7\"" },
		"limit=7&all=true&q=%C3%A9+b&sort=up&other=1&other=2", &in,
		&problems),
	    ERR_OK);
	ck_assert_str_eq(in.id, UUID);
	ck_assert_str_eq(in.match, "\"7\"");
	ck_assert_int_eq(in.limit, 7);
	ck_assert(in.all);
	ck_assert_str_eq(in.q, "\xc3\xa9 b");
	ck_assert(in.sort.set);
	ck_assert_str_eq(in.sort.value, "up");
}
END_TEST

START_TEST(read_params_absent_take_their_fallback)
{
	struct problems problems;
	struct params in;

	ck_assert_int_eq(
	    read_params((struct values){ UUID, NULL }, NULL, &in, &problems),
	    ERR_OK);
	ck_assert_int_eq(in.limit, 50);
	ck_assert(!in.all && !in.sort.set);
	ck_assert_ptr_null(in.match);
	ck_assert_ptr_null(in.q);
}
END_TEST

/* clang-format off */
static const struct {
	struct values values;
	const char *query, *problems;
} bad_params[] = {
	{ { NULL, NULL }, "", "id missing undefined" },
	{ { "7", NULL }, "", "id format string" },
	{ { "\xff", NULL }, "", "id format string" },
	{ { UUID, "123456" }, "", "If-Match large string" },
	{ { UUID, "\xff" }, "", "If-Match format string" },
	{ { UUID, NULL }, "limit=", "limit type string" },
	{ { UUID, NULL }, "limit=0", "limit small string" },
	{ { UUID, NULL }, "limit=101", "limit large string" },
	{ { UUID, NULL }, "limit=+7", "limit type string" },
	{ { UUID, NULL }, "limit=%207", "limit type string" },
	{ { UUID, NULL }, "limit=007", "limit type string" },
	{ { UUID, NULL }, "limit=1e1", "limit type string" },
	{ { UUID, NULL }, "limit=9223372036854775808", "limit type string" },
	{ { UUID, NULL }, "limit=1&limit=1", "limit duplicate string" },
	{ { UUID, NULL }, "limit=1&%6cimit=2", "limit duplicate string" },
	{ { UUID, NULL }, "all=1", "all type string" },
	{ { UUID, NULL }, "all=TRUE", "all type string" },
	{ { UUID, NULL }, "all", "all type string" },
	{ { UUID, NULL }, "q=abcd", "q large string" },
	{ { UUID, NULL }, "q=%ff", " format string" },
	{ { UUID, NULL }, "x=%00", " format string" },
	{ { UUID, NULL }, "sort=Up", "sort format string" },
	{ { NULL, "123456" }, "limit=0&q=%",
	  " format string; id missing undefined; If-Match large string; "
	  "limit small string" },
};
/* clang-format on */

START_TEST(read_params_rejections)
{
	struct problems problems;
	struct params in;

	ck_assert_int_eq(read_params(bad_params[_i].values,
			     bad_params[_i].query, &in, &problems),
	    ERR_INVALID);
	ck_assert_str_eq(problems_text(&problems), bad_params[_i].problems);
}
END_TEST

START_TEST(read_without_rows_is_ok)
{
	static const struct schema none;
	struct problems problems;

	ck_assert_int_eq(read_body(&none, NULL, NULL, &problems), ERR_OK);
	ck_assert_int_eq(problems.count, 0);
}
END_TEST

struct item {
	const char *name;
};
struct out {
	const char *id;
	const char *note;
	const char *gone;
	struct opt_string nick;
	struct opt_string unset;
	int64_t count;
	bool done;
	struct opt_bool hidden;
	struct opt_bool seen;
	struct strings tags;
	const void *owner;
	const void *nobody;
	const void *missing;
	struct objects items;
	const char *extra;
};

/* clang-format off */
static const struct field item_fields[] = {
	{ FIELD(struct item, name, "name"), .required = true },
	{ 0 },
};
static const struct schema item_schema =
	SCHEMA_NAMED("Item", struct item, item_fields);
static const struct field out_fields[] = {
	{ FIELD(struct out, id, "id"), .required = true },
	{ FIELD(struct out, note, "note"), .nullable = true },
	{ FIELD(struct out, gone, "gone") },
	{ FIELD(struct out, nick, "nick"), .nullable = true },
	{ FIELD(struct out, unset, "unset"), .nullable = true },
	{ FIELD(struct out, count, "count") },
	{ FIELD(struct out, done, "done") },
	{ FIELD(struct out, hidden, "hidden") },
	{ FIELD(struct out, seen, "seen") },
	{ FIELD(struct out, tags, "tags") },
	{ FIELD(struct out, owner, "owner"), .of = &item_schema },
	{ FIELD(struct out, nobody, "nobody"), .of = &item_schema,
	  .nullable = true },
	{ FIELD(struct out, missing, "missing"), .of = &item_schema },
	{ FIELD(struct out, items, "items"), .of = &item_schema },
	{ FIELD(struct out, extra, "^(a|b)$"), .splice = "integer",
	  .doc = "Extra." },
	{ 0 },
};
/* clang-format on */
static const struct schema out_schema = SCHEMA(struct out, out_fields);

static const char *
written(const struct schema *s, const void *strukt)
{
	struct buf b;

	buf_init(&b, a, 4096);
	schema_write(s, &b, strukt);
	ck_assert(!buf_failed(&b));
	return b.data;
}

START_TEST(write_all_types)
{
	static const char *const tags[] = { "a", "b\"" };
	static const struct item items[] = { { "x" }, { "y" } };
	const struct out out = {
		.id = "\xc3\xa9\n",
		.nick = { .value = NULL, .set = true },
		.count = INT64_MIN,
		.done = true,
		.seen = { .value = true, .set = true },
		.tags = { tags, 2 },
		.owner = &items[0],
		.items = { items, 2 },
		.extra = "\"a\":1,\"b\":2",
	};

	ck_assert_str_eq(written(&out_schema, &out),
	    "{\"id\":\"\xc3\xa9\\n\",\"note\":null,\"nick\":null,"
	    "\"count\":-9223372036854775808,\"done\":true,\"seen\":true,"
	    "\"tags\":[\"a\",\"b\\\"\"],\"owner\":{\"name\":\"x\"},"
	    "\"nobody\":null,\"items\":[{\"name\":\"x\"},{\"name\":\"y\"}],"
	    "\"a\":1,\"b\":2}");
}
END_TEST

START_TEST(write_empty_struct_leaves_out_what_may_be)
{
	const struct out out = { .extra = "" };

	ck_assert_str_eq(written(&out_schema, &out),
	    "{\"note\":null,\"count\":0,\"done\":false,\"tags\":[],"
	    "\"nobody\":null,\"items\":[]}");
}
END_TEST

START_TEST(write_splice_alone_has_no_comma)
{
	static const struct field fields[] = {
		{ FIELD(struct out, extra, "^a$"), .splice = SPLICE_ANY },
		{ FIELD(struct out, gone, "gone") },
		{ 0 },
	};
	static const struct schema s = SCHEMA(struct out, fields);

	ck_assert_str_eq(
	    written(&s, &(struct out){ .extra = "\"a\":1" }), "{\"a\":1}");
	ck_assert_str_eq(
	    written(&s, &(struct out){ .gone = "x" }), "{\"gone\":\"x\"}");
	ck_assert_str_eq(written(&s, &(struct out){ 0 }), "{}");
}
END_TEST

START_TEST(write_bare_array_and_null)
{
	static const struct item items[] = { { "x" }, { "y" } };
	struct schema s = item_schema;

	s.array = true;
	ck_assert_str_eq(written(&s, &(struct objects){ items, 2 }),
	    "[{\"name\":\"x\"},{\"name\":\"y\"}]");
	ck_assert_str_eq(written(&s, &(struct objects){ 0 }), "[]");
	ck_assert_str_eq(written(&s, NULL), "null");
}
END_TEST

static const char *
documented(const struct schema *s, enum field_from from)
{
	struct buf b;

	buf_init(&b, a, 4096);
	schema_openapi(s, &b, from);
	ck_assert(!buf_failed(&b));
	return b.data;
}

START_TEST(openapi_of_a_body)
{
	struct schema strict = in_schema;

	strict.refuse_unknown = true;
	ck_assert_str_eq(documented(&strict, FROM_BODY),
	    "{\"type\":\"object\",\"properties\":{"
	    "\"title\":{\"type\":\"string\",\"minLength\":2,\"maxLength\":4},"
	    "\"note\":{\"type\":[\"string\",\"null\"],\"minLength\":1},"
	    "\"nick\":{\"type\":[\"string\",\"null\"],\"maxLength\":3},"
	    "\"count\":{\"type\":\"integer\",\"format\":\"int64\","
	    "\"minimum\":1,\"maximum\":10},"
	    "\"done\":{\"type\":\"boolean\"},\"hidden\":{\"type\":\"boolean\"},"
	    "\"kind\":{\"type\":\"string\",\"enum\":[\"low\",\"high\"]},"
	    "\"id\":{\"type\":\"string\",\"format\":\"uuid\"},"
	    "\"dueAt\":{\"type\":\"string\",\"format\":\"date-time\"},"
	    "\"debt\":{\"type\":\"integer\",\"format\":\"int64\","
	    "\"minimum\":-5,\"maximum\":0},"
	    "\"labels\":{\"type\":\"array\",\"items\":{\"type\":\"string\"},"
	    "\"minItems\":1,\"maxItems\":3}},"
	    "\"required\":[\"title\"],\"additionalProperties\":false}");
}
END_TEST

START_TEST(openapi_picks_the_rows_of_one_place)
{
	ck_assert_str_eq(documented(&params_schema, FROM_QUERY),
	    "{\"type\":\"object\",\"properties\":{"
	    "\"limit\":{\"type\":\"integer\",\"format\":\"int64\","
	    "\"minimum\":1,\"maximum\":100,\"default\":50},"
	    "\"all\":{\"type\":\"boolean\"},"
	    "\"q\":{\"type\":\"string\",\"maxLength\":3},"
	    "\"sort\":{\"type\":\"string\",\"enum\":[\"up\",\"down\"]}}}");
}
END_TEST

START_TEST(openapi_of_an_answer)
{
	struct buf b;

	buf_init(&b, a, 4096);
	schema_openapi_out(&out_schema, &b);
	ck_assert_str_eq(b.data,
	    "{\"type\":\"object\",\"properties\":{"
	    "\"id\":{\"type\":\"string\"},"
	    "\"note\":{\"type\":[\"string\",\"null\"]},"
	    "\"gone\":{\"type\":\"string\"},"
	    "\"nick\":{\"type\":[\"string\",\"null\"]},"
	    "\"unset\":{\"type\":[\"string\",\"null\"]},"
	    "\"count\":{\"type\":\"integer\",\"format\":\"int64\"},"
	    "\"done\":{\"type\":\"boolean\"},\"hidden\":{\"type\":\"boolean\"},"
	    "\"seen\":{\"type\":\"boolean\"},"
	    "\"tags\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}},"
	    "\"owner\":{\"allOf\":[{\"$ref\":\"#/components/schemas/Item\"}]},"
	    "\"nobody\":{\"anyOf\":[{\"$ref\":\"#/components/schemas/Item\"},"
	    "{\"type\":\"null\"}]},"
	    "\"missing\":{\"allOf\":[{\"$ref\":\"#/components/schemas/"
	    "Item\"}]},"
	    "\"items\":{\"type\":\"array\","
	    "\"items\":{\"$ref\":\"#/components/schemas/Item\"}}},"
	    "\"patternProperties\":{\"^(a|b)$\":{\"type\":\"integer\","
	    "\"description\":\"Extra.\"}},"
	    "\"required\":[\"id\",\"note\",\"count\",\"done\",\"tags\","
	    "\"nobody\",\"items\"]}");
}
END_TEST

/* --------------------------------------------- null and dates */

struct nulls {
	struct opt_int64 count;
	struct opt_bool seen;
	const char *day;
};

/* clang-format off */
static const struct field nulls_fields[] = {
	{ FIELD(struct nulls, count, "count"), .nullable = true },
	{ FIELD(struct nulls, seen, "seen"), .nullable = true },
	{ FIELD(struct nulls, day, "day"), .nullable = true,
	  .format = FMT_DATE },
	{ 0 },
};
/* clang-format on */
static const struct schema nulls_schema = SCHEMA(struct nulls, nulls_fields);

START_TEST(read_tells_null_from_absent)
{
	struct problems problems;
	struct nulls in;

	ck_assert_int_eq(read_body(&nulls_schema,
			     "{\"count\":null,\"seen\":null}", &in, &problems),
	    ERR_OK);
	ck_assert(in.count.is_null && !in.count.set);
	ck_assert(in.seen.is_null && !in.seen.set);
	ck_assert_int_eq(
	    read_body(&nulls_schema, "{}", &in, &problems), ERR_OK);
	ck_assert(!in.count.is_null && !in.seen.is_null);
	ck_assert_int_eq(read_body(&nulls_schema,
			     "{\"count\":0,\"seen\":false}", &in, &problems),
	    ERR_OK);
	ck_assert(in.count.set && !in.count.is_null);
	ck_assert(in.seen.set && !in.seen.is_null);
}
END_TEST

static const struct {
	const char *day;
	bool exists;
} days[] = {
	{ "2028-02-29", true },
	{ "0001-01-01", true },
	{ "9999-12-31", true },
	{ "2026-02-29", false },
	{ "2026-13-01", false },
	{ "0000-01-01", false },
	{ "2026-1-02", false },
	{ "2026-01-02T", false },
	{ "02026-01-02", false },
	{ " 2026-01-0", false },
	{ "2026/01/02", false },
	{ "today", false },
	{ "", false },
};

START_TEST(read_takes_days_of_the_calendar)
{
	struct problems problems;
	struct nulls in;

	ck_assert_int_eq(read_body(&nulls_schema,
			     arena_printf(a, "{\"day\":\"%s\"}", days[_i].day),
			     &in, &problems),
	    days[_i].exists ? ERR_OK : ERR_INVALID);
	if (days[_i].exists)
		ck_assert_str_eq(in.day, days[_i].day);
	else
		ck_assert_str_eq(problems_text(&problems), "day format string");
}
END_TEST

START_TEST(openapi_has_days)
{
	ck_assert_ptr_nonnull(strstr(documented(&nulls_schema, FROM_BODY),
	    "\"day\":{\"type\":[\"string\",\"null\"],\"format\":\"date\"}"));
}
END_TEST

/* ------------------------------------------- objects within the body */

struct line {
	const char *name;
	struct opt_int64 count;
	struct any_object extra;
};
struct order {
	struct objects lines;
	struct any_object note;
	struct opt_int64 total;
};

/* clang-format off */
static const struct field line_fields[] = {
	{ FIELD(struct line, name, "name"), .required = true, .max = 3 },
	{ FIELD(struct line, count, "count"), .min = 1, .max = 9 },
	{ FIELD(struct line, extra, "extra"), .nullable = true, .max = 12 },
	{ 0 },
};
static const struct schema line_schema = { .name = "Line",
	.size = sizeof(struct line), .fields = line_fields,
	.refuse_unknown = true };
static const struct field order_fields[] = {
	{ FIELD(struct order, lines, "lines"), .required = true,
	  .min = 1, .max = 20, .of = &line_schema },
	{ FIELD(struct order, note, "note") },
	{ FIELD(struct order, total, "total"), .nullable = true },
	{ 0 },
};
/* clang-format on */
static const struct schema order_schema = SCHEMA(struct order, order_fields);

/*
 * The limit has room for 20 lines of 7 values each and for an arbitrary object,
 * and for little more.
 */
START_TEST(values_max_is_of_rows_and_items)
{
	const size_t lines = 20 * 7, any = 20 * 12 / 2;

	ck_assert_uint_gt(schema_values_max(&order_schema), lines + any);
	ck_assert_uint_lt(schema_values_max(&order_schema), 8000);
	ck_assert_uint_lt(schema_values_max(&line_schema), 100);
	ck_assert_uint_lt(schema_values_max(&in_schema), 2000);
}
END_TEST

START_TEST(read_objects_and_write_them_again)
{
	static const char body[] =
	    "{\"lines\":[{\"name\":\"a\",\"count\":7},{\"name\":\"b\","
	    "\"extra\":{ \"k\" : [1] }}],\"note\":{},\"total\":null}";
	struct problems problems;
	const struct line *lines;
	struct order in;

	ck_assert_int_eq(
	    read_body(&order_schema, body, &in, &problems), ERR_OK);
	ck_assert_uint_eq(in.lines.count, 2);
	lines = in.lines.items;
	ck_assert_str_eq(lines[0].name, "a");
	ck_assert(lines[0].count.set && lines[0].count.value == 7);
	ck_assert_ptr_null(lines[0].extra.text);
	ck_assert(!lines[1].count.set);
	ck_assert_str_eq(lines[1].extra.text, "{\"k\":[1]}");
	ck_assert_uint_eq(json_count(lines[1].extra.value), 1);
	ck_assert(!in.total.set);
	ck_assert_str_eq(written(&order_schema, &in),
	    "{\"lines\":[{\"name\":\"a\",\"count\":7,\"extra\":null},"
	    "{\"name\":\"b\",\"extra\":{\"k\":[1]}}],\"note\":{},"
	    "\"total\":null}");
}
END_TEST

static const struct {
	const char *body, *problems;
} bad_orders[] = {
	{ "{}", "lines missing undefined" },
	{ "{\"lines\":{}}", "lines type object" },
	{ "{\"lines\":[]}", "lines small array" },
	{ "{\"lines\":[1]}", "lines type number" },
	{ "{\"lines\":[{\"name\":\"a\"},{\"count\":0,\"x\":1}]}",
	    "lines[1].name missing undefined; lines[1].count small number; "
	    "lines[1].x unknown number" },
	{ "{\"lines\":[{\"name\":\"a\",\"extra\":[]}]}",
	    "lines[0].extra type array" },
	{ "{\"lines\":[{\"name\":\"a\",\"extra\":{\"k\":\"123456\"}}]}",
	    "lines[0].extra large object" },
	{ "{\"lines\":[{\"name\":\"a\"}],\"note\":null,\"total\":\"1\"}",
	    "note type null; total type string" },
};

START_TEST(read_objects_names_what_is_wrong)
{
	struct problems problems;
	struct order in;

	ck_assert_int_eq(
	    read_body(&order_schema, bad_orders[_i].body, &in, &problems),
	    ERR_INVALID);
	ck_assert_str_eq(problems_text(&problems), bad_orders[_i].problems);
}
END_TEST

START_TEST(read_objects_stops_at_the_most_problems)
{
	const char *body = "{\"lines\":[";
	struct problems problems;
	struct order in;

	for (int i = 0; i < 20; i++)
		body = arena_printf(a, "%s%s{}", body, i > 0 ? "," : "");
	body = arena_printf(a, "%s]}", body);
	ck_assert_int_eq(
	    read_body(&order_schema, body, &in, &problems), ERR_INVALID);
	ck_assert_int_eq(problems.count, PROBLEMS_MAX);
}
END_TEST

START_TEST(openapi_of_objects_that_come_in)
{
	struct buf b;

	buf_init(&b, a, 4096);
	schema_openapi(&order_schema, &b, FROM_BODY);
	ck_assert_str_eq(b.data,
	    "{\"type\":\"object\",\"properties\":{\"lines\":{\"type\":"
	    "\"array\",\"items\":{\"$ref\":\"#/components/schemas/Line\"},"
	    "\"minItems\":1,\"maxItems\":20},\"note\":{\"type\":\"object\"},"
	    "\"total\":{\"type\":[\"integer\",\"null\"],\"format\":"
	    "\"int64\"}},\"required\":[\"lines\"]}");
	buf_init(&b, a, 4096);
	schema_openapi(&line_schema, &b, FROM_BODY);
	ck_assert_str_eq(b.data,
	    "{\"type\":\"object\",\"properties\":{\"name\":{\"type\":"
	    "\"string\",\"maxLength\":3},\"count\":{\"type\":\"integer\","
	    "\"format\":\"int64\",\"minimum\":1,\"maximum\":9},\"extra\":"
	    "{\"type\":[\"object\",\"null\"]}},\"required\":[\"name\"],"
	    "\"additionalProperties\":false}");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("schema");
	TCase *tc = tcase_create("schema");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, values_max_is_of_rows_and_items);
	tcase_add_test(tc, read_all_fields);
	tcase_add_loop_test(tc, read_integers_that_are_written_as_reals, 0,
	    sizeof(reals) / sizeof(reals[0]));
	tcase_add_test(tc, read_absent_is_zero_whatever_was_there);
	tcase_add_test(tc, read_null_sets_what_is_nullable);
	tcase_add_test(tc, read_counts_code_points_not_bytes);
	tcase_add_test(tc, read_ignores_unknown_fields);
	tcase_add_loop_test(tc, read_rejections, 0, COUNT_OF(rejections));
	tcase_add_test(tc, read_unknown_is_refused_where_the_schema_says_so);
	tcase_add_test(tc, read_keeps_a_bounded_number_of_problems);
	tcase_add_test(tc, read_params_all);
	tcase_add_test(tc, read_params_absent_take_their_fallback);
	tcase_add_loop_test(
	    tc, read_params_rejections, 0, COUNT_OF(bad_params));
	tcase_add_test(tc, read_without_rows_is_ok);
	tcase_add_test(tc, write_all_types);
	tcase_add_test(tc, write_empty_struct_leaves_out_what_may_be);
	tcase_add_test(tc, write_splice_alone_has_no_comma);
	tcase_add_test(tc, write_bare_array_and_null);
	tcase_add_test(tc, openapi_of_a_body);
	tcase_add_test(tc, openapi_picks_the_rows_of_one_place);
	tcase_add_test(tc, openapi_of_an_answer);
	tcase_add_test(tc, read_tells_null_from_absent);
	tcase_add_loop_test(
	    tc, read_takes_days_of_the_calendar, 0, (int)COUNT_OF(days));
	tcase_add_test(tc, openapi_has_days);
	tcase_add_test(tc, read_objects_and_write_them_again);
	tcase_add_loop_test(
	    tc, read_objects_names_what_is_wrong, 0, (int)COUNT_OF(bad_orders));
	tcase_add_test(tc, read_objects_stops_at_the_most_problems);
	tcase_add_test(tc, openapi_of_objects_that_come_in);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
