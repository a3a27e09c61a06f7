#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

#include "fake_request.h"

#include "app/builtin.h"
#include "base/attr.h"
#include "base/buf.h"
#include "base/json.h"

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

struct item {
	const char *id;
	const char *title;
	struct opt_string note;
	int64_t limit;
	const char *match;
};
struct page {
	struct objects items;
	const void *owner;
};

/* clang-format off */
static const struct field patch_fields[] = {
	{ FIELD(struct item, id, "id"), .from = FROM_PATH, .required = true,
	  .format = FMT_UUID, .doc = "Which one." },
	{ FIELD(struct item, match, "If-Match"), .from = FROM_HEADER },
	{ FIELD(struct item, note, "Key"), .from = FROM_HEADER,
	  .route_requires = true },
	{ FIELD(struct item, title, "title"), .min = 1, .max = 10,
	  .doc = "A \"title\"." },
	{ FIELD(struct item, note, "note"), .nullable = true },
	{ 0 },
};
static const struct field list_fields[] = {
	{ FIELD(struct item, limit, "limit"), .from = FROM_QUERY,
	  .fallback = "50", .min = 1, .max = 100 },
	{ 0 },
};
static const struct field item_fields[] = {
	{ FIELD(struct item, id, "id"), .required = true, .format = FMT_UUID },
	{ FIELD(struct item, title, "title"), .required = true },
	{ FIELD(struct item, note, "note"), .nullable = true },
	{ 0 },
};
static const struct schema item_schema =
	SCHEMA_NAMED("Item", struct item, item_fields);
static const struct field page_fields[] = {
	{ FIELD(struct page, items, "items"), .of = &item_schema },
	{ FIELD(struct page, owner, "owner"), .of = &item_schema,
	  .nullable = true },
	{ 0 },
};

static const struct route_header made_headers[] = {
	LOCATION_HEADER, { "ETag", "Its \"version\"." }, { 0 },
};
static const struct field get_fields[] = {
	{ FIELD(struct item, match, "If-None-Match"), .from = FROM_HEADER },
	{ 0 },
};
static const struct field spliced_fields[] = {
	{ FIELD(struct item, id, "id"), .required = true },
	{ FIELD(struct item, title, "^is[A-Z]$"), .splice = "boolean",
	  .doc = "One each." },
	{ FIELD(struct item, title, "^x$"), .splice = SPLICE_ANY },
	{ 0 },
};
static const struct field by_itself[] = {
	{ .name = "brief", .from = FROM_QUERY, .doc = "Any text." },
	{ 0 },
};
static const struct service_code codes[] = {
	{ "TOO_DEEP", ERR_UNPROCESSABLE, "It is too \"deep\"" },
	{ "TAKEN", ERR_CONFLICT, "It is taken" },
	{ "TOO_WIDE", ERR_UNPROCESSABLE, "It is too wide" },
	{ 0 },
};

static const struct route item_routes[] = {
	{ "GET", "/items", .summary = "List", 
	  .in = SCHEMA(struct item, list_fields),
	  .out = SCHEMA_NAMED("Page", struct page, page_fields) },
	{ "PATCH", "/items/{id}", .summary = "Change",
	  .in = SCHEMA_NAMED("ItemPatch", struct item, patch_fields),
	  .out = SCHEMA_NAMED("Item", struct item, item_fields),
	  .errors = BIT(ERR_NOT_FOUND) | BIT(ERR_STALE) },
	{ 0 },
};
static const struct route other_routes[] = {
	{ "POST", "/items", .role = "staff", .status = 201,
	  .in = { .size = sizeof(struct item), .fields = patch_fields + 2 },
	  .out = SCHEMA_NAMED("Item", struct item, item_fields) },
	{ "POST", "/sign-up/e_mail", .guard = GUARD_NONE, .body_form = true,
	  .body_optional = true,
	  .in = { .size = sizeof(struct item), .fields = patch_fields + 2 },
	  .out = { .size = sizeof(struct item), .fields = item_fields,
	    .nullable = true, .array = true } },
	{ "GET", "/me", .guard = GUARD_NONE, .flags = 2 },
	{ "POST", "/me", .unlisted = true,
	  .out = SCHEMA_NAMED("Unlisted", struct item, item_fields) },
	{ "POST", "/made", .status = 201, .headers = made_headers,
	  .out = { .size = sizeof(struct item), .fields = spliced_fields } },
	{ "GET", "/made", .headers = made_headers + 1, .query = by_itself,
	  .in = SCHEMA(struct item, get_fields),
	  .out = SCHEMA_NAMED("Item", struct item, item_fields) },
	{ 0 },
};
/* clang-format on */
static const struct route *const routes[] = { item_routes, other_routes, NULL };
static const struct service service = {
	.name = "core",
	.title = "The \"core\"",
	.prefix = "/api/core",
	.routes = routes,
	.builtins = service_builtins,
	.session_flags = 2,
	.session_cookie = "shop.\"session\"",
	.codes = codes,
};

static const struct json *
document(const struct service *s)
{
	const struct json *j;
	const char *problem;
	struct buf b;

	buf_init(&b, a, 1 << 20);
	service_openapi(s, &b);
	ck_assert(!buf_failed(&b));
	j = json_read(a, b.data, b.len, &problem);
	ck_assert_msg(j != NULL, "%s: %s", problem, b.data);
	return j;
}

/*
 * Follows the member names from the document's root; returns the value's text,
 * or "" when there is none.
 */
static const char *
at(const struct json *j, const char *const *names)
{
	struct buf b;

	for (; j != NULL && *names != NULL; names++)
		j = json_member(j, *names);
	if (j == NULL)
		return "";
	buf_init(&b, a, 1 << 20);
	json_write(&b, j);
	return b.data;
}
#define AT(j, ...) at((j), (const char *const[]){ __VA_ARGS__, NULL })

START_TEST(head_says_what_it_is)
{
	const struct json *j = document(&service);

	ck_assert_str_eq(AT(j, "openapi"), "\"3.1.0\"");
	ck_assert_str_eq(AT(j, "info"),
	    "{\"title\":\"The \\\"core\\\"\",\"version\":\"" KEDGE_VERSION
	    "\"}");
}
END_TEST

START_TEST(methods_of_one_path_are_together)
{
	const struct json *paths = json_member(document(&service), "paths");

	ck_assert_uint_eq(json_count(paths), 5);
	ck_assert_uint_eq(json_count(json_member(paths, "/api/core/items")), 2);
	ck_assert_str_eq(
	    AT(paths, "/api/core/items", "get", "operationId"), "\"getItems\"");
	ck_assert_str_eq(AT(paths, "/api/core/items", "post", "operationId"),
	    "\"postItems\"");
	ck_assert_str_eq(
	    AT(paths, "/api/core/items/{id}", "patch", "operationId"),
	    "\"patchItemsById\"");
	ck_assert_str_eq(
	    AT(paths, "/api/core/sign-up/e_mail", "post", "operationId"),
	    "\"postSignUpEMail\"");
}
END_TEST

START_TEST(parameters_are_not_in_the_body)
{
	const struct json *j = document(&service);

	ck_assert_str_eq(
	    AT(j, "paths", "/api/core/items/{id}", "patch", "parameters"),
	    "[{\"name\":\"id\",\"in\":\"path\",\"required\":true,"
	    "\"description\":\"Which one.\","
	    "\"schema\":{\"type\":\"string\",\"format\":\"uuid\"}},"
	    "{\"name\":\"If-Match\",\"in\":\"header\","
	    "\"schema\":{\"type\":\"string\"}},"
	    "{\"name\":\"Key\",\"in\":\"header\",\"required\":true,"
	    "\"schema\":{\"type\":\"string\"}}]");
	ck_assert_str_eq(
	    AT(j, "paths", "/api/core/items/{id}", "patch", "requestBody"),
	    "{\"required\":true,\"content\":{\"application/json\":"
	    "{\"schema\":{\"$ref\":\"#/components/schemas/ItemPatch\"}}}}");
	ck_assert_str_eq(AT(j, "components", "schemas", "ItemPatch"),
	    "{\"type\":\"object\",\"properties\":{"
	    "\"title\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":10,"
	    "\"description\":\"A \\\"title\\\".\"},"
	    "\"note\":{\"type\":[\"string\",\"null\"]}}}");
	ck_assert_str_eq(
	    AT(j, "paths", "/api/core/items", "get", "requestBody"), "");
}
END_TEST

START_TEST(named_schemas_are_components)
{
	const struct json *schemas = json_member(
	    json_member(document(&service), "components"), "schemas");

	ck_assert_uint_eq(json_count(schemas), 4);
	ck_assert_ptr_nonnull(json_member(schemas, "Error"));
	ck_assert_ptr_nonnull(json_member(schemas, "Page"));
	ck_assert_str_eq(AT(schemas, "Item", "required"), "[\"id\",\"title\"]");
}
END_TEST

START_TEST(forms_and_optional_bodies)
{
	const struct json *j = document(&service);
	const char *names[] = { "paths", "/api/core/sign-up/e_mail", "post",
		NULL, NULL };
	const char *body, *answer;

	names[3] = "requestBody";
	body = at(j, names);
	ck_assert_ptr_nonnull(strstr(body, "\"required\":false"));
	ck_assert_ptr_nonnull(
	    strstr(body, "\"application/x-www-form-urlencoded\""));
	names[3] = "responses";
	answer = at(j, names);
	ck_assert_ptr_nonnull(strstr(answer,
	    "{\"schema\":{\"anyOf\":[{\"type\":\"array\",\"items\":"
	    "{\"type\":\"object\""));
	ck_assert_ptr_nonnull(strstr(answer, ",{\"type\":\"null\"}]}"));
}
END_TEST

/* clang-format off */
static const struct {
	const char *path, *method, *statuses, *security;
} operations[] = {
	{ "/api/core/items", "get", "200 400 401 403 429 500 503 ",
	  "[{\"session\":[]}]" },
	{ "/api/core/items", "post", "201 400 401 403 408 413 415 429 500 503 ",
	  "[{\"session\":[]}]" },
	{ "/api/core/items/{id}", "patch",
	  "200 400 401 403 404 408 412 413 415 429 500 503 ", "[{\"session\":[]}]" },
	{ "/api/core/sign-up/e_mail", "post",
	  "200 400 408 413 415 429 500 503 ", "[]" },
	{ "/api/core/me", "get", "204 400 401 403 429 500 503 ",
	  "[{\"session\":[]}]" },
};
/* clang-format on */

static void
join_name(void *ctx, const char *name, const struct json *value)
{
	ck_assert_uint_ge(json_count(value), 1);
	buf_printf(ctx, "%s ", name);
}

static int
compare(const void *x, const void *y)
{
	return memcmp(x, y, 4);
}

START_TEST(responses_and_security)
{
	const struct json *op = json_member(document(&service), "paths");
	struct buf b;

	op = json_member(op, operations[_i].path);
	op = json_member(op, operations[_i].method);
	ck_assert_str_eq(AT(op, "security"), operations[_i].security);
	buf_init(&b, a, 1000);
	json_each(json_member(op, "responses"), join_name, &b);
	qsort(b.data, b.len / 4, 4, compare);
	ck_assert_str_eq(b.data, operations[_i].statuses);
}
END_TEST

#define ETAG_TEXT                                                         \
	"\"ETag\":{\"description\":\"Its \\\"version\\\".\",\"schema\":{" \
	"\"type\":\"string\"}}"

START_TEST(response_headers_and_304_are_documented)
{
	const struct json *made = json_member(
	    json_member(document(&service), "paths"), "/api/core/made");

	ck_assert_str_eq(AT(made, "post", "responses", "201", "headers"),
	    "{\"Location\":{\"description\":\"The address of what was made.\","
	    "\"schema\":{\"type\":\"string\"}}," ETAG_TEXT "}");
	ck_assert_str_eq(AT(made, "post", "responses", "304"), "");
	ck_assert_str_eq(
	    AT(made, "get", "responses", "200", "headers"), "{" ETAG_TEXT "}");
	ck_assert_str_eq(AT(made, "get", "responses", "304"),
	    "{\"description\":\"Not Modified\",\"headers\":{" ETAG_TEXT "}}");
}
END_TEST

START_TEST(spliced_members_have_a_pattern)
{
	const struct json *schema = json_member(
	    json_member(document(&service), "paths"), "/api/core/made");

	ck_assert_str_eq(AT(schema, "post", "responses", "201", "content",
			     "application/json", "schema"),
	    "{\"type\":\"object\",\"properties\":{\"id\":{\"type\":"
	    "\"string\"}},\"patternProperties\":{\"^is[A-Z]$\":{\"type\":"
	    "\"boolean\",\"description\":\"One each.\"},\"^x$\":{}},"
	    "\"required\":[\"id\"]}");
}
END_TEST

START_TEST(query_read_by_the_handler_is_told)
{
	ck_assert_str_eq(AT(document(&service), "paths", "/api/core/made",
			     "get", "parameters"),
	    "[{\"name\":\"If-None-Match\",\"in\":\"header\",\"schema\":{"
	    "\"type\":\"string\"}},{\"name\":\"brief\",\"in\":\"query\","
	    "\"description\":\"Any text.\",\"schema\":{\"type\":"
	    "\"string\"}}]");
}
END_TEST

START_TEST(unlisted_routes_are_left_out)
{
	const struct json *j = document(&service);

	ck_assert_str_ne(AT(j, "paths", "/api/core/me", "get"), "");
	ck_assert_str_eq(AT(j, "paths", "/api/core/me", "post"), "");
	ck_assert_str_eq(AT(j, "components", "schemas", "Unlisted"), "");
}
END_TEST

START_TEST(codes_of_the_service_are_told_by_error)
{
	const struct json *j = document(&service);

	ck_assert_str_eq(
	    AT(j, "components", "responses", "UNPROCESSABLE", "description"),
	    "\"The request cannot be carried out. Among the codes:\\n\\n"
	    "- `TOO_DEEP`: It is too \\\"deep\\\"\\n"
	    "- `TOO_WIDE`: It is too wide\"");
	ck_assert_str_eq(
	    AT(j, "components", "responses", "NOT_FOUND", "description"),
	    "\"There is nothing here\"");
}
END_TEST

static void
write_error(struct req *req UNUSED, enum err e UNUSED)
{
}

START_TEST(errors_written_by_the_service_promise_less)
{
	struct service s = service;
	const struct json *j;

	s.hooks.write_error = write_error;
	j = document(&s);
	ck_assert_str_eq(
	    AT(j, "paths", "/api/core/me", "get", "responses", "429"),
	    "{\"$ref\":\"#/components/responses/RATE_LIMITED\"}");
	ck_assert_str_eq(
	    AT(j, "components", "schemas", "Error", "required"), "");
}
END_TEST

START_TEST(session_cookie_has_the_services_name)
{
	ck_assert_str_eq(AT(document(&service), "components", "securitySchemes",
			     "session", "name"),
	    "\"shop.\\\"session\\\"\"");
}
END_TEST

/* Each "$ref" in the text refers to something that exists in the document. */
START_TEST(references_resolve)
{
	static const char mark[] = "\"$ref\":\"#/components/";
	const struct json *components;
	struct buf b;
	const char *p;
	int count = 0;

	buf_init(&b, a, 1 << 20);
	service_openapi(&service, &b);
	components = json_member(document(&service), "components");
	for (p = b.data; (p = strstr(p, mark)) != NULL; count++) {
		const char *kind = p + strlen(mark);
		const char *name = strchr(kind, '/') + 1;
		size_t len = strcspn(name, "\"");

		p = name;
		ck_assert_str_ne(
		    AT(components,
			arena_strndup(a, kind, (size_t)(name - kind) - 1),
			arena_strndup(a, name, len)),
		    "");
	}
	ck_assert_int_gt(count, 10);
}
END_TEST

START_TEST(served_below_the_prefix_and_cached)
{
	struct fake_request f = { 0 };
	const char *first;
	struct req r;
	struct buf b;

	fake_add(&f, "REQUEST_METHOD=GET");
	fake_add(&f, "KEDGE_PATH=/api/core/openapi.json");
	fake_handle(&service, &f, a, &r);
	ck_assert_int_eq(r.response.status, 200);
	ck_assert_str_eq(r.response.content_type, "application/json");
	buf_init(&b, a, 1 << 20);
	service_openapi(&service, &b);
	ck_assert_uint_eq(r.response.body_len, b.len);
	ck_assert_mem_eq(r.response.body, b.data, b.len);

	fake_handle(&service, &f, a, &r);
	first = r.response.body;
	fake_handle(&service, &f, a, &r);
	ck_assert_ptr_eq(r.response.body, first);
	ck_assert_mem_eq(r.response.body, b.data, b.len);
}
END_TEST

START_TEST(path_value_without_a_row_aborts)
{
	static const struct route bad[] = { { "GET", "/items/{id}" }, { 0 } };
	static const struct route *const lists[] = { bad, NULL };
	struct service s = service;

	s.routes = lists;
	document(&s);
}
END_TEST

START_TEST(name_for_two_schemas_aborts)
{
	static const struct route bad[] = {
		{ "GET", "/a",
		    .out = { .name = "Item",
			.size = 1,
			.fields = item_fields } },
		{ "GET", "/b",
		    .out = { .name = "Item",
			.size = 1,
			.fields = page_fields } },
		{ 0 },
	};
	static const struct route *const lists[] = { bad, NULL };
	struct service s = service;

	s.routes = lists;
	document(&s);
}
END_TEST

START_TEST(service_without_routes_has_no_paths)
{
	static const struct route *const lists[] = { NULL };
	struct service s = service;

	s.routes = lists;
	ck_assert_str_eq(AT(document(&s), "paths"), "{}");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("openapi");
	TCase *tc = tcase_create("openapi");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, head_says_what_it_is);
	tcase_add_test(tc, methods_of_one_path_are_together);
	tcase_add_test(tc, parameters_are_not_in_the_body);
	tcase_add_test(tc, named_schemas_are_components);
	tcase_add_test(tc, forms_and_optional_bodies);
	tcase_add_loop_test(
	    tc, responses_and_security, 0, COUNT_OF(operations));
	tcase_add_test(tc, response_headers_and_304_are_documented);
	tcase_add_test(tc, spliced_members_have_a_pattern);
	tcase_add_test(tc, query_read_by_the_handler_is_told);
	tcase_add_test(tc, unlisted_routes_are_left_out);
	tcase_add_test(tc, codes_of_the_service_are_told_by_error);
	tcase_add_test(tc, errors_written_by_the_service_promise_less);
	tcase_add_test(tc, session_cookie_has_the_services_name);
	tcase_add_test(tc, references_resolve);
	tcase_add_test(tc, served_below_the_prefix_and_cached);
	tcase_add_test_raise_signal(
	    tc, path_value_without_a_row_aborts, SIGABRT);
	tcase_add_test_raise_signal(tc, name_for_two_schemas_aborts, SIGABRT);
	tcase_add_test(tc, service_without_routes_has_no_paths);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
