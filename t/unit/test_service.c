#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

#include "capture.h"
#include "fake_request.h"

#include "app/builtin.h"
#include "app/scrape.h"
#include "base/attr.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/health.h"
#include "base/json.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/str.h"
#include "base/uuid.h"
#include "web/access.h"
#include "web/trace.h"

static const unsigned char key[IDENTITY_KEY_SIZE] = "a key for tests";

static struct arena *a;
static struct req *r;
static int handled; /* how often the handler was called */

/*
 * What the hooks and the handler return; `calls` has the order in which they
 * were called: b, s, g and h for before, screen, guard and handler.
 */
static enum err before_says, screen_says, guard_says, handler_says;
static char calls[ERR__MAX + 16];

static void
setup(void)
{
	a = arena_new();
	r = arena_alloc(a, sizeof(*r));
	log_init("test", LOG_INFO);
	handled = 0;
	before_says = screen_says = guard_says = handler_says = ERR_OK;
	calls[0] = '\0';
}

static void
teardown(void)
{
	arena_free(a);
}

struct item {
	const char *id;
	const char *title;
	int64_t limit;
	const char *match;
};

/* clang-format off */
static const struct field item_in_fields[] = {
	{ FIELD(struct item, title, "title"), .required = true, .max = 10 },
	{ 0 },
};
static const struct field item_optional_fields[] = {
	{ FIELD(struct item, title, "title") },
	{ 0 },
};
static const struct field item_get_fields[] = {
	{ FIELD(struct item, id, "id"), .from = FROM_PATH, .required = true },
	{ FIELD(struct item, limit, "limit"), .from = FROM_QUERY,
	  .fallback = "7" },
	{ FIELD(struct item, match, "If-Match"), .from = FROM_HEADER },
	{ 0 },
};
static const struct field more_query[] = {
	{ FIELD(struct item, title, "more"), .from = FROM_QUERY },
	{ 0 },
};
static const struct field item_out_fields[] = {
	{ FIELD(struct item, id, "id") },
	{ FIELD(struct item, title, "title") },
	{ FIELD(struct item, limit, "limit") },
	{ FIELD(struct item, match, "match") },
	{ 0 },
};
/* clang-format on */

static enum err
echo(struct req *req UNUSED, const void *in_struct, void *out_struct)
{
	handled++;
	strcat(calls, "h");
	if (in_struct != NULL)
		*(struct item *)out_struct = *(const struct item *)in_struct;
	return handler_says;
}

static enum err
nothing(struct req *req UNUSED, const void *in_struct UNUSED, void *out_struct)
{
	handled++;
	ck_assert_ptr_null(out_struct);
	return handler_says;
}

static enum err
raw(struct req *req, const void *in_struct UNUSED, void *out_struct UNUSED)
{
	handled++;
	req_add_header(req, "Cache-Control", "max-age=60");
	req_add_cookie(req, "sid=; Max-Age=0");
	req_answer(req, 302, NULL, NULL, 0);
	return handler_says;
}

static enum err
rule(struct req *req, const void *in_struct UNUSED, void *out_struct UNUSED)
{
	return req_invalid(req, "title", "is taken");
}

static enum err
own_code(struct req *req, const void *in_struct UNUSED, void *out_struct UNUSED)
{
	req->retry_after_s = 30;
	return req_fail(req, ERR_RATE_LIMITED, "SLOW_DOWN", "Slow down");
}

static size_t kept; /* how many bytes of the body the handler has received */

static enum err
weigh(struct req *req, const void *in_struct, void *out_struct)
{
	struct buf b;

	buf_init(&b, req->arena, 1 << 20);
	json_write(&b, req->body);
	kept = b.len;
	return echo(req, in_struct, out_struct);
}

#define ITEM_IN SCHEMA(struct item, item_in_fields)
#define ITEM_GET SCHEMA(struct item, item_get_fields)
#define ITEM_OUT SCHEMA(struct item, item_out_fields)

/* clang-format off */
static const struct route first_routes[] = {
	{ "GET", "/items", echo, .out = ITEM_OUT },
	{ "POST", "/items", echo, .in = ITEM_IN, .out = ITEM_OUT,
	  .status = 201, .body_max_bytes = 100 },
	{ "GET", "/items/{id}", echo, .in = ITEM_GET, .out = ITEM_OUT,
	  .errors = BIT(ERR_NOT_FOUND) },
	{ "DELETE", "/items/{id}", nothing, .in = ITEM_GET },
	{ "GET", "/items/{id}/parts/{part}", nothing },
	{ "GET", "/stats", nothing, .role = "staff" },
	{ 0 },
};
static const struct route second_routes[] = {
	{ "POST", "/open/form", echo, .guard = GUARD_NONE, .in = ITEM_IN,
	  .out = ITEM_OUT, .body_form = true },
	{ "POST", "/open/optional", echo, .guard = GUARD_NONE,
	  .in = SCHEMA(struct item, item_optional_fields),
	  .out = ITEM_OUT, .body_optional = true },
	{ "POST", "/open/items", echo, .guard = GUARD_NONE, .in = ITEM_IN,
	  .out = ITEM_OUT, .body_optional = true },
	{ "POST", "/open/none", echo, .guard = GUARD_NONE, .out = ITEM_OUT },
	{ "PATCH", "/open/none", echo, .guard = GUARD_NONE, .out = ITEM_OUT },
	{ "POST", "/open/freeze", echo, .guard = GUARD_NONE, .out = ITEM_OUT,
	  .idempotent = true },
	{ "POST", "/open/many", echo, .guard = GUARD_NONE, .in = ITEM_IN,
	  .out = ITEM_OUT },
	{ "POST", "/open/weigh", weigh, .guard = GUARD_NONE, .in = ITEM_IN,
	  .out = ITEM_OUT },
	{ "GET", "/open/query", echo, .guard = GUARD_NONE, .out = ITEM_OUT,
	  .query = more_query },
	{ "GET", "/open/raw", raw, .guard = GUARD_NONE },
	{ "GET", "/open/session", echo, .guard = GUARD_NONE, .flags = 4,
	  .out = ITEM_OUT },
	{ "GET", "/open/rule", rule, .guard = GUARD_NONE },
	{ "GET", "/open/own", own_code, .guard = GUARD_NONE },
	{ "PUT", "/items", echo, .guard = GUARD_NONE, .out = ITEM_OUT },
	{ "GET", "/w/{id}", echo, .guard = GUARD_NONE, .out = ITEM_OUT,
	  .in = ITEM_GET, .whole_path = true, .ignores_query = true },
	{ 0 },
};
/* clang-format on */
static const struct route no_routes[] = { { 0 } };
static const struct route *const routes[] = { no_routes, first_routes,
	second_routes, NULL };

static const struct service plain = {
	.name = "core",
	.title = "Core",
	.prefix = "/api/core",
	.routes = routes,
	.builtins = service_builtins,
	.identity_keys = { .current = key },
	.session_flags = 4,
};

static enum err
hook_before(struct req *req)
{
	ck_assert_ptr_null(req->route);
	strcat(calls, "b");
	return before_says;
}

static enum err
hook_screen(struct req *req)
{
	ck_assert_ptr_nonnull(req->route);
	strcat(calls, "s");
	return screen_says;
}

static enum err
hook_guard(struct req *req)
{
	req->user_id = "from-hook";
	strcat(calls, "g");
	return guard_says;
}

static const char *const role_items[] = { "user", "staff" };
static const char *const admin_items[] = { "admin" };

static const char *
identity_param(const char *const *roles, size_t nroles, const char *audience)
{
	struct identity who = {
		.user_id = "u1",
		.session_id = "s1",
		.roles = { roles, nroles },
	};

	return arena_printf(a, "KEDGE_IDENTITY=%s",
	    identity_sign(a, key, audience, &who, clock_now_ms()));
}

static struct fake_request
request(const char *method, const char *path)
{
	struct fake_request f = { 0 };

	fake_add(&f, arena_printf(a, "REQUEST_METHOD=%s", method));
	fake_add(&f, arena_printf(a, "KEDGE_PATH=%s", path));
	return f;
}

static struct fake_request
guarded(const char *method, const char *path)
{
	struct fake_request f = request(method, path);

	fake_add(&f, identity_param(role_items, 1, "core"));
	return f;
}

static void
set_body(struct fake_request *f, const char *type, const char *body)
{
	if (type != NULL)
		fake_add(f, arena_printf(a, "CONTENT_TYPE=%s", type));
	fake_add(f, arena_printf(a, "CONTENT_LENGTH=%zu", strlen(body)));
	f->body = body;
	f->body_len = strlen(body);
}

static const char *
header(const char *name)
{
	const struct response *out = &r->response;
	size_t len = strlen(name);

	for (int i = 0; i < out->nheaders; i++) {
		if (strncmp(out->headers[i], name, len) == 0 &&
		    out->headers[i][len] == ':')
			return out->headers[i] + len + 2;
	}
	return NULL;
}

static void
handle(const struct service *s, struct fake_request *f)
{
	struct capture c;
	char line[4096];

	capture_begin(&c);
	fake_handle(s, f, a, r);
	capture_end(&c, line, sizeof(line));
	ck_assert(r->response.status >= 200);
	ck_assert(r->response.body_len == 0 || r->response.body != NULL);
}

static const struct json *
answer_json(void)
{
	const char *problem;
	const struct json *j =
	    json_read(a, r->response.body, r->response.body_len, &problem);

	ck_assert_ptr_nonnull(j);
	return j;
}

/*
 * Returns the error code of the response; also checks the members that all
 * errors have.
 */
static const char *
error_code(void)
{
	const struct json *j = answer_json();

	ck_assert_str_eq(r->response.content_type, "application/json");
	ck_assert_pstr_eq(header("Cache-Control"), "no-store");
	ck_assert_ptr_nonnull(json_member_string(j, "message"));
	ck_assert_str_eq(json_member_string(j, "requestId"), r->request_id);
	return json_member_string(j, "code");
}

static const char *
body(void)
{
	return arena_strndup(a, r->response.body, r->response.body_len);
}

START_TEST(guarded_route_answers_and_forbids_storing)
{
	struct fake_request f = guarded("GET", "/api/core/items/i7");

	fake_add(&f, "QUERY_STRING=limit=3");
	fake_add(&f, "HTTP_IF_MATCH=\"1\"");
	handle(&plain, &f);
	ck_assert_int_eq(r->response.status, 200);
	ck_assert_str_eq(
	    body(), "{\"id\":\"i7\",\"limit\":3,\"match\":\"\\\"1\\\"\"}");
	ck_assert_str_eq(r->response.content_type, "application/json");
	ck_assert_str_eq(header("Cache-Control"), "no-store");
	ck_assert_str_eq(r->user_id, "u1");
	ck_assert_str_eq(r->identity->session_id, "s1");
}
END_TEST

/* clang-format off */
static const struct {
	const char *method, *path;
	int status;
	const char *allow;
} paths[] = {
	{ "GET", "/api/core/items", 200, NULL },
	{ "GET", "/api/core/items/a", 200, NULL },
	{ "GET", "/api/core/items/a b", 200, NULL },
	{ "GET", "/api/core/items/{id}", 200, NULL },
	{ "GET", "/api/core/items/..", 200, NULL }, /* ".." is a parameter's value like any other */
	{ "GET", "/api/core/items/;v=1", 200, NULL },
	{ "GET", "/api/core/items/%2f", 200, NULL }, /* "%2f" is not decoded further */
	{ "DELETE", "/api/core/items/a", 204, NULL },
	{ "GET", "/api/core/items/a/parts/b", 204, NULL },
	{ "GET", "/api/core", 404, NULL },
	{ "GET", "/api/core/", 404, NULL },
	{ "GET", "/api/core/items/", 404, NULL },
	{ "GET", "/api/core//items", 404, NULL },
	{ "GET", "/api/core/items//", 404, NULL },
	{ "GET", "//api/core/items", 404, NULL },
	{ "GET", "/api/core/items/a/", 404, NULL },
	{ "GET", "/api/core/items//parts/b", 404, NULL },
	{ "GET", "/api/core/items/a/parts/", 404, NULL },
	{ "GET", "/api/core/items/a/parts", 404, NULL },
	{ "GET", "/api/core/items/a/b", 404, NULL },
	{ "GET", "/api/core/itemsx", 404, NULL },
	{ "GET", "/api/core/item", 404, NULL },
	{ "GET", "/api/core/Items", 404, NULL },
	{ "GET", "/api/core/./items", 404, NULL },
	{ "GET", "/api/core/x/../items", 404, NULL },
	{ "GET", "/api/core/items;v=1", 404, NULL },
	{ "GET", "/api/core/items?x", 404, NULL },
	{ "GET", "/api/core/items%2Fa", 404, NULL },
	{ "GET", "/api/core/items\\a", 404, NULL },
	{ "GET", "/w/a", 200, NULL }, /* a row with a whole path */
	{ "HEAD", "/w/a", 200, NULL },
	{ "POST", "/w/a", 405, "GET, HEAD" },
	{ "GET", "/w", 404, NULL },
	{ "GET", "/w/", 404, NULL },
	{ "GET", "/w//a", 404, NULL },
	{ "GET", "/w/a/", 404, NULL },
	{ "GET", "/w/a/b", 404, NULL },
	{ "GET", "/api/core/w/a", 404, NULL },
	{ "GET", "/x/w/a", 404, NULL },
	{ "GET", "/api/corex/items", 404, NULL },
	{ "GET", "/api/coreitems", 404, NULL },
	{ "GET", "/items", 404, NULL },
	{ "GET", "/", 404, NULL },
	{ "GET", "/api/core/items\xff", 404, NULL },
	{ "GET", "/api/core/items/\xff", 400, NULL },
	{ "HEAD", "/api/core/items", 200, NULL },
	{ "HEAD", "/api/core/items/a", 200, NULL },
	{ "HEAD", "/api/core/open/form", 405, "POST" },
	{ "HEAD", "/api/core/item", 404, NULL },
	{ "head", "/api/core/items", 405, "GET, HEAD, POST, PUT" },
	{ "OPTIONS", "/api/core/items", 405, "GET, HEAD, POST, PUT" },
	{ "get", "/api/core/items", 405, "GET, HEAD, POST, PUT" },
	{ "", "/api/core/items", 405, "GET, HEAD, POST, PUT" },
	{ "POST", "/api/core/items/a", 405, "DELETE, GET, HEAD" },
	{ "POST", "/api/core/openapi.json", 405, "GET, HEAD" },
	{ "POST", "/metrics", 405, "GET, HEAD" },
	{ "GET", "/metrics/", 404, NULL },
	{ "GET", "/api/core/metrics", 404, NULL },
	{ "GET", "/api/core/health/live", 404, NULL },
	{ "GET", "/openapi.json", 404, NULL },
	{ "GET", "", 400, NULL },
	{ "GET", "api/core/items", 400, NULL },
	{ "GET", "*", 400, NULL },
	{ "GET", "http://x/api/core/items", 400, NULL },
};
/* clang-format on */

START_TEST(route_by_path_and_method)
{
	struct fake_request f = guarded(paths[_i].method, paths[_i].path);

	handle(&plain, &f);
	ck_assert_int_eq(r->response.status, paths[_i].status);
	if (paths[_i].allow == NULL)
		ck_assert_ptr_null(header("Allow"));
	else
		ck_assert_pstr_eq(header("Allow"), paths[_i].allow);
	if (r->response.status >= 400)
		ck_assert_ptr_nonnull(error_code());
	ck_assert_int_eq(handled, r->response.status < 400);
}
END_TEST

START_TEST(missing_path_parameter_is_not_replaced_by_another_parameter)
{
	struct fake_request f = { 0 };

	fake_add(&f, "REQUEST_METHOD=GET");
	fake_add(&f, "REQUEST_URI=/api/core/items");
	fake_add(&f, "SCRIPT_NAME=/api/core/items");
	fake_add(&f, "HTTP_X_ORIGINAL_URL=/api/core/items");
	handle(&plain, &f);
	ck_assert_int_eq(r->response.status, 500);
}
END_TEST

static enum err
judge(struct req *req)
{
	req_answer(req, 204, NULL, NULL, 0);
	return ERR_OK;
}

START_TEST(ambiguous_path_is_refused)
{
	struct fake_request f = guarded("GET", "/api/core/items");
	struct service s = plain;

	fake_add(&f, "KEDGE_RAW_URI=/api/core/x%2f../items?limit=1");
	handle(&plain, &f);
	ck_assert_int_eq(r->response.status, 400);
	ck_assert_str_eq(error_code(), "INVALID_REQUEST");
	ck_assert_int_eq(handled, 0);

	/*
	 * A service that handles all paths itself (verify) gets requests with
	 * any path.
	 */
	s.handle_all = judge;
	s.handle_all_route = "verdict";
	handle(&s, &f);
	ck_assert_int_eq(r->response.status, 204);

	f = guarded("GET", "/api/core/items");
	fake_add(&f, "KEDGE_RAW_URI=/api/core/%69tems?x=/../%2f");
	handle(&plain, &f);
	ck_assert_int_eq(r->response.status, 200);
}
END_TEST

/*
 * Parameters that nginx must set: without any of them the request is refused.
 */
static const struct {
	const char *text;
	int when_empty; /* status */
} nginx_params[] = {
	{ "REQUEST_METHOD=GET", 405 },
	{ "KEDGE_PATH=/api/core/items", 400 },
	{ "KEDGE_RAW_URI=/api/core/items", 500 },
	{ "KEDGE_SCHEME=http", 500 },
	{ "REMOTE_ADDR=192.0.2.1", 500 },
	{ "KEDGE_HOST=", 200 },
	{ "QUERY_STRING=", 200 },
};

/*
 * Returns a request with all required parameters, except that the one of this
 * iteration is missing or empty.
 */
static struct fake_request
request_without(size_t left_out, bool is_empty)
{
	struct fake_request f = { .bare = true };

	fake_add(&f, identity_param(role_items, 1, "core"));
	for (size_t i = 0; i < COUNT_OF(nginx_params); i++) {
		const char *text = nginx_params[i].text;
		size_t name_len = strcspn(text, "=") + 1;

		if (i != left_out)
			fake_add(&f, text);
		else if (is_empty)
			fake_add(&f, arena_strndup(a, text, name_len));
	}
	return f;
}

START_TEST(parameter_that_nginx_did_not_set_is_refused)
{
	size_t i = (size_t)_i;
	struct fake_request f = request_without(COUNT_OF(nginx_params), false);
	struct service s = plain;

	handle(&plain, &f);
	ck_assert_int_eq(r->response.status, 200);
	f = request_without(i, false);
	handled = 0;
	handle(&plain, &f);
	ck_assert_int_eq(r->response.status, 500);
	ck_assert_str_eq(error_code(), "INTERNAL_ERROR");
	ck_assert_int_eq(handled, 0);
	f = request_without(i, true);
	handle(&plain, &f);
	ck_assert_int_eq(r->response.status, nginx_params[i].when_empty);

	/* A verdict does not depend on the request's query. */
	s.handle_all = judge;
	s.handle_all_route = "verdict";
	f = request_without(i, false);
	handle(&s, &f);
	ck_assert_int_eq(r->response.status,
	    str_has_prefix(nginx_params[i].text, "QUERY_STRING") ? 204 : 500);
}
END_TEST

/* -- a verdict that is older than the body -- */

static int asked; /* how often a second verdict was requested from auth */
static enum err auth_says;
static const char *session_said;

static enum err
ask_again(struct req *req, const char *assertion, const struct identity **ret)
{
	struct identity *who = arena_alloc(a, sizeof(*who));

	asked++;
	ck_assert(*assertion != 0);
	*who = *req->identity;
	who->session_id = session_said;
	*ret = who;
	return auth_says;
}

/* clang-format off */
static const struct {
	const char *method;
	int age_ms;
	bool has_body;
	enum err says;
	const char *session;
	int status, asked;
} aged[] = {
	{ "POST", 0, true, ERR_FORBIDDEN, "s1", 201, 0 },
	{ "POST", 500, true, ERR_FORBIDDEN, "s1", 201, 0 },
	{ "POST", 5000, true, ERR_OK, "s1", 201, 1 },
	{ "POST", 5000, true, ERR_OK, "s2", 401, 1 },
	{ "POST", 5000, true, ERR_UNAUTHENTICATED, "s1", 401, 1 },
	{ "POST", 5000, true, ERR_FORBIDDEN, "s1", 403, 1 },
	{ "POST", 5000, true, ERR_UNAVAILABLE, "s1", 503, 1 },
	{ "POST", 300000, true, ERR_OK, "s1", 201, 1 },
	{ "POST", 3600000, true, ERR_OK, "s1", 401, 0 },
	{ "POST", -3000, true, ERR_OK, "s1", 201, 1 }, /* issued 3 s in the future, which a difference between clocks explains */
	{ "POST", -60000, true, ERR_OK, "s1", 401, 0 },
	{ "DELETE", 5000, false, ERR_OK, "s1", 204, 1 },
	{ "DELETE", 300000, false, ERR_OK, "s1", 401, 0 },
	{ "GET", 5000, false, ERR_FORBIDDEN, "s1", 200, 0 },
	{ "GET", 5000, true, ERR_OK, "s1", 400, 0 }, /* the route reads no body */
	{ "GET", 300000, true, ERR_OK, "s1", 400, 0 },
	{ "GET", 300000, false, ERR_OK, "s1", 401, 0 },
};
/* clang-format on */

static struct fake_request
aged_request(int i)
{
	const struct identity who = { .user_id = "u1", .session_id = "s1" };
	bool is_item = strcmp(aged[i].method, "DELETE") == 0;
	struct fake_request f = request(
	    aged[i].method, is_item ? "/api/core/items/a" : "/api/core/items");

	fake_add(&f, arena_printf(a, "KEDGE_IDENTITY=%s",
			 identity_sign(a, key, "core", &who,
			     clock_now_ms() - aged[i].age_ms)));
	if (aged[i].has_body) {
		f.body = "{\"title\":\"x\"}";
		f.body_len = strlen(f.body);
		fake_add(&f, "CONTENT_TYPE=application/json");
		fake_add(&f, arena_printf(a, "CONTENT_LENGTH=%zu", f.body_len));
	}
	return f;
}

START_TEST(old_verdict_is_renewed)
{
	struct fake_request f = aged_request(_i);
	struct service s = plain;

	s.reverify = ask_again;
	asked = 0;
	auth_says = aged[_i].says;
	session_said = aged[_i].session;
	handle(&s, &f);
	ck_assert_int_eq(r->response.status, aged[_i].status);
	ck_assert_int_eq(asked, aged[_i].asked);
	ck_assert_int_eq(handled, aged[_i].status < 400);
}
END_TEST

/*
 * A base service checks its rate limits (the screen hook) before it asks auth
 * for a second verdict, which costs more.
 */
START_TEST(verdict_beyond_the_limit_is_not_renewed)
{
	struct fake_request f = aged_request(_i);
	struct service s = plain;

	s.reverify = ask_again;
	s.hooks.screen = hook_screen;
	screen_says = ERR_RATE_LIMITED;
	asked = 0;
	auth_says = aged[_i].says;
	session_said = aged[_i].session;
	handle(&s, &f);
	ck_assert_int_eq(asked, 0);
	ck_assert_int_eq(handled, 0);
	ck_assert_int_eq(
	    r->response.status, str_eq(calls, "s") ? 429 : aged[_i].status);
	/*
	 * The rate limit was charged for each request for which auth would have
	 * been asked.
	 */
	if (aged[_i].asked > 0)
		ck_assert_str_eq(calls, "s");
}
END_TEST

START_TEST(old_verdict_is_401_when_it_cannot_be_renewed)
{
	struct fake_request f = aged_request(_i);

	handle(&plain, &f);
	ck_assert_int_eq(r->response.status < 400,
	    aged[_i].asked == 0 && aged[_i].status < 400);
	ck_assert_int_eq(handled, r->response.status < 400);
}
END_TEST

/*
 * A header or parameter that a client can set, in any spelling, does not make
 * an identity.
 */
static const char *const spoofs[] = {
	"HTTP_KEDGE_IDENTITY",
	"HTTP_X_KEDGE_IDENTITY",
	"HTTP_AUTHORIZATION",
	"HTTP_COOKIE",
	"HTTP_REMOTE_USER",
	"REMOTE_USER",
	"kedge_identity",
	"KEDGE_IDENTITY_",
	"KEDGE-IDENTITY",
	"QUERY_STRING",
};

START_TEST(identity_in_another_parameter_is_ignored)
{
	struct fake_request f = request("GET", "/api/core/items");
	const char *param = identity_param(admin_items, 1, "core");

	fake_add(&f, arena_printf(a, "%s%s", spoofs[_i], strchr(param, '=')));
	handle(&plain, &f);
	ck_assert_int_eq(r->response.status, 401);
	ck_assert_str_eq(error_code(), "UNAUTHENTICATED");
	ck_assert_int_eq(handled, 0);
}
END_TEST

START_TEST(identity_missing_empty_or_of_another_service_is_401)
{
	const char *const params[] = { "KEDGE_IDENTITY=",
		"KEDGE_IDENTITY=x.y.z",
		identity_param(admin_items, 1, "wallet") };

	for (size_t i = 0; i < COUNT_OF(params); i++) {
		struct fake_request f = request("GET", "/api/core/items");

		fake_add(&f, params[i]);
		handle(&plain, &f);
		ck_assert_int_eq(r->response.status, 401);
		ck_assert_ptr_null(r->identity);
		ck_assert_ptr_null(r->user_id);
	}
}
END_TEST

START_TEST(identity_without_a_key_is_401)
{
	struct fake_request f = guarded("GET", "/api/core/items");
	struct service s = plain;

	s.identity_keys.current = NULL;
	handle(&s, &f);
	ck_assert_int_eq(r->response.status, 401);
	ck_assert_int_eq(handled, 0);
}
END_TEST

START_TEST(open_route_has_no_identity)
{
	struct fake_request f = guarded("PUT", "/api/core/items");

	handle(&plain, &f);
	ck_assert_int_eq(r->response.status, 200);
	ck_assert_ptr_null(r->identity);
	ck_assert_ptr_null(header("Cache-Control"));
}
END_TEST

START_TEST(role_is_asked_for_and_admin_passes)
{
	struct fake_request f = guarded("GET", "/api/core/stats");

	handle(&plain, &f);
	ck_assert_int_eq(r->response.status, 403);
	ck_assert_str_eq(error_code(), "FORBIDDEN");
	ck_assert_int_eq(handled, 0);

	f = request("GET", "/api/core/stats");
	fake_add(&f, identity_param(role_items, 2, "core"));
	handle(&plain, &f);
	ck_assert_int_eq(r->response.status, 204);

	f = request("GET", "/api/core/stats");
	fake_add(&f, identity_param(admin_items, 1, "core"));
	handle(&plain, &f);
	ck_assert_int_eq(r->response.status, 204);
	ck_assert_int_eq(handled, 2);
}
END_TEST

#define JSON "application/json"
#define FORM "application/x-www-form-urlencoded"
#define TITLE "{\"title\":\"ab\"}"

/* clang-format off */
static const struct {
	const char *path, *type, *body;
	int status;
	const char *code;
} bodies[] = {
	{ "/items", JSON, TITLE, 201, NULL },
	{ "/items", "APPLICATION/JSON", TITLE, 201, NULL },
	{ "/items", JSON ";charset=utf-8", TITLE, 201, NULL },
	{ "/items", JSON " ; Charset=\"UTF-8\" ; v=1", TITLE, 201, NULL },
	{ "/items", JSON ";", TITLE, 201, NULL },
	{ "/items", JSON, " " TITLE "\n", 201, NULL },
	{ "/items", JSON "; charset=latin1", TITLE, 415,
	  "UNSUPPORTED_MEDIA_TYPE" },
	{ "/items", "text/plain", TITLE, 415, "UNSUPPORTED_MEDIA_TYPE" },
	{ "/items", "text/plain", "", 400, "INVALID_REQUEST" },
	{ "/items", "application/jsonx", TITLE, 415,
	  "UNSUPPORTED_MEDIA_TYPE" },
	{ "/items", "text/json", TITLE, 415, "UNSUPPORTED_MEDIA_TYPE" },
	{ "/items", "text/plain;" JSON, TITLE, 415,
	  "UNSUPPORTED_MEDIA_TYPE" },
	{ "/items", ";" JSON, TITLE, 415, "UNSUPPORTED_MEDIA_TYPE" },
	{ "/items", "multipart/form-data; boundary=x", TITLE, 415,
	  "UNSUPPORTED_MEDIA_TYPE" },
	{ "/items", FORM, "title=ab", 415, "UNSUPPORTED_MEDIA_TYPE" },
	{ "/items", NULL, TITLE, 415, "UNSUPPORTED_MEDIA_TYPE" },
	{ "/items", "", TITLE, 415, "UNSUPPORTED_MEDIA_TYPE" },
	{ "/items", NULL, "not json", 415, "UNSUPPORTED_MEDIA_TYPE" },
	{ "/items", "", "", 400, "INVALID_REQUEST" },
	{ "/items", JSON, "", 400, "INVALID_REQUEST" },
	{ "/items", JSON, "{", 400, "INVALID_JSON" },
	{ "/items", JSON, TITLE "x", 400, "INVALID_JSON" },
	{ "/items", JSON, "{\"title\":\"ab\",\"title\":\"cd\"}", 400,
	  "INVALID_JSON" },
	{ "/items", JSON, "{\"title\":\"\xff\"}", 400, "INVALID_JSON" },
	{ "/items", JSON, "{\"title\":\"\\u0000\"}", 400, "INVALID_JSON" },
	{ "/items", JSON, "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", 400,
	  "INVALID_JSON" },
	{ "/items", JSON, "null", 400, "INVALID_REQUEST" },
	{ "/items", JSON, "[]", 400, "INVALID_REQUEST" },
	{ "/items", JSON, "{}", 400, "INVALID_REQUEST" },
	{ "/open/form", FORM, "title=a+%C3%A9", 200, NULL },
	{ "/open/form", FORM ";charset=UTF-8", "title=a&x=%22", 200, NULL },
	{ "/open/form", JSON, TITLE, 200, NULL },
	{ "/open/form", FORM, "title=a&title=b", 400, "INVALID_FORM" },
	{ "/open/form", FORM, "title=%ff", 400, "INVALID_FORM" },
	{ "/open/form", FORM, "title=%00", 400, "INVALID_FORM" },
	{ "/open/form", FORM, "&", 400, "INVALID_REQUEST" },
	{ "/open/form", "text/plain", "title=a", 415,
	  "UNSUPPORTED_MEDIA_TYPE" },
	{ "/open/optional", NULL, "", 200, NULL },
	{ "/open/optional", "text/plain", "", 200, NULL },
	{ "/open/optional", JSON, "", 200, NULL },
	{ "/open/optional", JSON, "{}", 200, NULL },
	{ "/open/optional", NULL, TITLE, 415, "UNSUPPORTED_MEDIA_TYPE" },
	{ "/open/optional", "", TITLE, 415, "UNSUPPORTED_MEDIA_TYPE" },
	{ "/open/optional", NULL, "x", 415, "UNSUPPORTED_MEDIA_TYPE" },
	{ "/open/optional", NULL, " ", 415, "UNSUPPORTED_MEDIA_TYPE" },
	{ "/open/none", NULL, "", 200, NULL },
	{ "/open/none", JSON, "", 200, NULL },
	{ "/open/none", JSON, "{\"amount\":30}", 400, "UNEXPECTED_BODY" },
	{ "/open/none", JSON, "{}", 200, NULL },
	{ "/open/none", JSON, " {\n} ", 200, NULL },
	{ "/open/none", JSON, "{}{}", 400, "UNEXPECTED_BODY" },
	{ "/open/none", JSON, "[]", 400, "UNEXPECTED_BODY" },
	{ "/open/none", JSON, "                                 {}", 400,
	  "UNEXPECTED_BODY" },
	{ "/open/none", FORM, "{}", 400, "UNEXPECTED_BODY" },
	{ "/open/none", NULL, "{}", 400, "UNEXPECTED_BODY" },
	{ "/open/none", NULL, "x", 400, "UNEXPECTED_BODY" },
	{ "/open/items", NULL, "", 400, "INVALID_REQUEST" },
};
/* clang-format on */

START_TEST(body_by_type_and_content)
{
	struct fake_request f =
	    guarded("POST", arena_printf(a, "/api/core%s", bodies[_i].path));

	set_body(&f, bodies[_i].type, bodies[_i].body);
	f.step = 3;
	handle(&plain, &f);
	ck_assert_int_eq(r->response.status, bodies[_i].status);
	if (bodies[_i].code != NULL)
		ck_assert_str_eq(error_code(), bodies[_i].code);
	ck_assert_int_eq(handled, bodies[_i].code == NULL);
}
END_TEST

/* A body that contains a NUL and further bytes after it is refused. */
START_TEST(body_after_a_nul_is_refused)
{
	static const char body[] = "{}\0{\"amount\":30}";
	struct fake_request f = guarded("POST", "/api/core/open/none");

	fake_add(&f, "CONTENT_TYPE=application/json");
	fake_add(&f, arena_printf(a, "CONTENT_LENGTH=%zu", sizeof(body) - 1));
	f.body = body;
	f.body_len = sizeof(body) - 1;
	handle(&plain, &f);
	ck_assert_int_eq(r->response.status, 400);
	ck_assert_str_eq(error_code(), "UNEXPECTED_BODY");
	ck_assert_int_eq(handled, 0);
}
END_TEST

/* A chunked body has no CONTENT_LENGTH if nginx does not set one. */
START_TEST(body_without_a_length_is_the_same)
{
	struct fake_request f =
	    guarded("POST", arena_printf(a, "/api/core%s", bodies[_i].path));

	if (bodies[_i].type != NULL)
		fake_add(
		    &f, arena_printf(a, "CONTENT_TYPE=%s", bodies[_i].type));
	fake_add(&f, "CONTENT_LENGTH=");
	f.body = bodies[_i].body;
	f.body_len = strlen(bodies[_i].body);
	handle(&plain, &f);
	ck_assert_int_eq(r->response.status, bodies[_i].status);
	ck_assert_int_eq(handled, bodies[_i].code == NULL);
}
END_TEST

START_TEST(body_is_ignored_as_by_betterauth)
{
	struct service s = plain;
	struct fake_request f = request("POST", "/api/core/open/optional");

	s.ignores_unknown = true;
	set_body(&f, NULL, TITLE);
	handle(&s, &f);
	ck_assert_int_eq(r->response.status, 200);
	f = request("POST", "/api/core/open/none");
	fake_add(&f, "QUERY_STRING=x=1");
	fake_add(&f, "HTTP_IDEMPOTENCY_KEY=x");
	set_body(&f, "text/plain", TITLE);
	handle(&s, &f);
	ck_assert_int_eq(r->response.status, 200);
	ck_assert_uint_eq(f.body_len, strlen(TITLE));

	/*
	 * A guarded route of this service reports errors in the format of all
	 * services, not in that of its open routes.
	 */
	f = guarded("POST", "/api/core/items");
	set_body(&f, NULL, TITLE);
	handle(&s, &f);
	ck_assert_int_eq(r->response.status, 415);
}
END_TEST

START_TEST(body_with_a_content_encoding_is_refused)
{
	struct fake_request f = guarded("POST", "/api/core/items");

	fake_add(&f, "HTTP_CONTENT_ENCODING=gzip");
	set_body(&f, JSON, TITLE);
	handle(&plain, &f);
	ck_assert_int_eq(r->response.status, 415);
	f = guarded("POST", "/api/core/items");
	fake_add(&f, "HTTP_CONTENT_ENCODING=Identity");
	set_body(&f, JSON, TITLE);
	handle(&plain, &f);
	ck_assert_int_eq(r->response.status, 201);
}
END_TEST

/*
 * Returns the beginning of a JSON object with the given number of members that
 * the route does not know.
 */
static const char *
many_members(int n)
{
	struct buf b;

	buf_init(&b, a, 1 << 20);
	buf_puts(&b, "{\"title\":\"ab\"");
	for (int i = 0; i < n; i++)
		buf_printf(&b, ",\"m%d\":{}", i);
	buf_putc(&b, '}');
	return b.data;
}

START_TEST(body_holds_so_many_values)
{
	struct fake_request f = guarded("POST", "/api/core/open/many");

	set_body(&f, JSON, many_members(20));
	handle(&plain, &f);
	ck_assert_int_eq(r->response.status, 200);
	f = guarded("POST", "/api/core/open/many");
	set_body(&f, JSON, many_members(2000));
	handle(&plain, &f);
	ck_assert_int_eq(r->response.status, 413);
	ck_assert_str_eq(error_code(), "TOO_MANY_VALUES");
	/*
	 * The error is the same if the text is not valid JSON, because the
	 * values are counted before it is parsed.
	 */
	f = guarded("POST", "/api/core/open/many");
	set_body(&f, JSON, arena_printf(a, "%s]", many_members(2000)));
	handle(&plain, &f);
	ck_assert_str_eq(error_code(), "TOO_MANY_VALUES");
}
END_TEST

START_TEST(body_keeps_only_what_rows_name)
{
	struct fake_request f = guarded("POST", "/api/core/open/weigh");
	char *text = arena_alloc(a, 5001);

	memset(text, 'x', 5000);
	set_body(&f, JSON,
	    arena_printf(a,
		"{\"title\":\"ab\",\"a\":[[1],{\"b\":2}],\"t\":\"%s\","
		"\"o\":{\"p\":[3]},\"s\":\"y\",\"n\":1}",
		text));
	handle(&plain, &f);
	ck_assert_int_eq(r->response.status, 200);
	ck_assert_uint_eq(
	    kept, strlen("{\"title\":\"ab\",\"a\":[],\"t\":\"...\",\"o\":{},"
			 "\"s\":\"y\",\"n\":1}"));
}
END_TEST

/* The value of a field, and the problem that it must cause. */
static const struct {
	const char *method, *path, *query, *header;
	const char *field, *problem; /* the invalid field and its problem; NULL:
	                                the request succeeds */
} unknowns[] = {
	{ "GET", "/items", "", NULL, NULL, NULL },
	{ "GET", "/items", "limit=3", NULL, "limit", "unknown" },
	{ "GET", "/items", "%6c", NULL, "l", "unknown" },
	{ "GET", "/items", "%ff", NULL, "", "format" },
	{ "GET", "/items/a", "limit=3", NULL, NULL, NULL },
	{ "GET", "/items/a", "&&limit=3&", NULL, NULL, NULL },
	{ "GET", "/items/a", "Limit=3", NULL, "Limit", "unknown" },
	{ "GET", "/items/a", "limit =3", NULL, "limit ", "unknown" },
	{ "GET", "/items/a", "limit=3&x", NULL, "x", "unknown" },
	{ "GET", "/items/a", "limit=3&limit=3", NULL, "limit", "duplicate" },
	{ "GET", "/items/a", "id=b", NULL, "id", "unknown" },
	{ "GET", "/items/a", "If-Match=b", NULL, "If-Match", "unknown" },
	{ "GET", "/open/query", "more=b", NULL, NULL, NULL },
	{ "GET", "/open/query", "less=b", NULL, "less", "unknown" },
	{ "GET", "/items", "", "HTTP_IF_MATCH=\"1\"", NULL, NULL },
	{ "GET", "/items", "", "HTTP_IDEMPOTENCY_KEY=k", NULL, NULL },
	{ "DELETE", "/items/a", "", "HTTP_IF_MATCH=\"1\"", NULL, NULL },
	{ "DELETE", "/items/a", "", "HTTP_IDEMPOTENCY_KEY=k", NULL, NULL },
	{ "DELETE", "/items/a", "", "HTTP_IF_UNMODIFIED_SINCE=x",
	    "If-Unmodified-Since", "unknown" },
	{ "DELETE", "/items/a", "", "HTTP_IF_NONE_MATCH=*", "If-None-Match",
	    "unknown" },
	{ "POST", "/open/none", "", "HTTP_IF_MATCH=\"1\"", "If-Match",
	    "unknown" },
	{ "POST", "/open/none", "", "HTTP_IDEMPOTENCY_KEY=k", "Idempotency-Key",
	    "unknown" },
	{ "PATCH", "/open/none", "", "HTTP_IDEMPOTENCY_KEY=k",
	    "Idempotency-Key", "unknown" },
	{ "POST", "/open/freeze", "", "HTTP_IDEMPOTENCY_KEY=k", NULL, NULL },
	{ "PUT", "/items", "", "HTTP_IF_MATCH=*", "If-Match", "unknown" },
	{ "PUT", "/items", "a=1", NULL, "a", "unknown" },
};

START_TEST(input_without_a_row_is_refused)
{
	struct fake_request f = guarded(unknowns[_i].method,
	    arena_printf(a, "/api/core%s", unknowns[_i].path));
	const struct json *fields;

	fake_add(&f, arena_printf(a, "QUERY_STRING=%s", unknowns[_i].query));
	if (unknowns[_i].header != NULL)
		fake_add(&f, unknowns[_i].header);
	handle(&plain, &f);
	ck_assert_int_eq(handled, unknowns[_i].field == NULL);
	ck_assert_int_eq(r->response.status < 300, unknowns[_i].field == NULL);
	if (unknowns[_i].field == NULL)
		return;
	ck_assert_str_eq(error_code(), "INVALID_REQUEST");
	fields = json_member(answer_json(), "fields");
	ck_assert_uint_eq(json_count(fields), 1);
	ck_assert_str_eq(json_member_string(json_item(fields, 0), "field"),
	    unknowns[_i].field);
	ck_assert_str_eq(json_member_string(json_item(fields, 0), "problem"),
	    unknowns[_i].problem);
}
END_TEST

START_TEST(query_is_ignored_where_the_row_says_so)
{
	struct fake_request f = request("GET", "/w/a");

	fake_add(&f, "QUERY_STRING=fbclid=1&%zz&a=b&a=c");
	handle(&plain, &f);
	ck_assert_int_eq(r->response.status, 200);
	ck_assert_int_eq(handled, 1);
}
END_TEST

START_TEST(body_form_is_decoded)
{
	struct fake_request f = request("POST", "/api/core/open/form");

	set_body(&f, FORM, "title=a+%C3%A9%22&x&=y");
	handle(&plain, &f);
	ck_assert_str_eq(body(), "{\"title\":\"a \xc3\xa9\\\"\",\"limit\":0}");
}
END_TEST

START_TEST(body_malformed_is_a_problem_of_the_body)
{
	struct fake_request f = guarded("POST", "/api/core/items");

	set_body(&f, JSON, "{");
	handle(&plain, &f);
	ck_assert_int_eq(r->problems.count, 1);
	ck_assert_int_eq(r->problems.items[0].kind, PROBLEM_FORMAT);
	ck_assert_str_eq(r->problems.items[0].name, "");
}
END_TEST

/* clang-format off */
static const struct {
	const char *length; /* the parameter CONTENT_LENGTH; NULL: not set */
	size_t arrives; /* how many bytes of the body arrive */
	int status;
} lengths[] = {
	{ "14", 14, 201 },
	{ "100", 100, 201 },
	{ NULL, 14, 201 },
	{ "", 14, 201 },
	{ NULL, 100, 201 },
	{ NULL, 0, 400 },
	{ "0", 14, 400 },
	{ "13", 14, 400 },
	{ "15", 14, 400 },
	{ "100", 14, 400 },
	{ "14", 0, 400 },
	{ "-1", 14, 400 },
	{ "014", 14, 400 },
	{ "14 ", 14, 400 },
	{ "0x0e", 14, 400 },
	{ "18446744073709551615", 14, 400 },
	{ "9223372036854775807", 14, 413 },
	{ "101", 101, 413 },
	{ "101", 14, 413 },
	{ NULL, 101, 413 },
	{ NULL, 5000, 413 },
};
/* clang-format on */

START_TEST(body_by_length)
{
	struct fake_request f = guarded("POST", "/api/core/items");
	char *text = arena_alloc(a, 5000);

	memset(text, ' ', 5000);
	memcpy(text, TITLE, strlen(TITLE));
	fake_add(&f, "CONTENT_TYPE=" JSON);
	if (lengths[_i].length != NULL)
		fake_add(&f,
		    arena_printf(a, "CONTENT_LENGTH=%s", lengths[_i].length));
	f.body = text;
	f.body_len = lengths[_i].arrives;
	handle(&plain, &f);
	ck_assert_int_eq(r->response.status, lengths[_i].status);
}
END_TEST

START_TEST(body_that_breaks_off_is_invalid)
{
	struct fake_request f = guarded("POST", "/api/core/items");

	set_body(&f, JSON, TITLE);
	f.body_len -= 2;
	f.breaks = true;
	handle(&plain, &f);
	ck_assert_int_eq(r->response.status, 400);
	ck_assert_str_eq(error_code(), "INVALID_LENGTH");
}
END_TEST

START_TEST(body_is_read_only_after_the_guard)
{
	struct fake_request f = request("POST", "/api/core/items");

	set_body(&f, JSON, TITLE);
	handle(&plain, &f);
	ck_assert_int_eq(r->response.status, 401);
	ck_assert_uint_eq(f.body_len, strlen(TITLE));
}
END_TEST

START_TEST(invalid_fields_are_listed)
{
	struct fake_request f = guarded("POST", "/api/core/items");

	set_body(&f, JSON, "{\"title\":7}");
	fake_add(&f, "KEDGE_REQUEST_ID=0123456789abcdef");
	handle(&plain, &f);
	ck_assert_str_eq(body(),
	    "{\"code\":\"INVALID_REQUEST\","
	    "\"message\":\"The request is not valid\","
	    "\"requestId\":\"0123456789abcdef\","
	    "\"fields\":[{\"field\":\"title\",\"in\":\"body\","
	    "\"problem\":\"type\",\"message\":\"must be a string\"}]}");
}
END_TEST

START_TEST(req_invalid_is_a_rule)
{
	struct fake_request f = request("GET", "/api/core/open/rule");

	handle(&plain, &f);
	ck_assert_int_eq(r->response.status, 400);
	ck_assert_ptr_nonnull(
	    strstr(body(), "\"fields\":[{\"field\":\"title\",\"in\":\"body\","
			   "\"problem\":\"rule\",\"message\":\"is taken\"}]"));
}
END_TEST

START_TEST(req_fail_gives_code_and_retry)
{
	struct fake_request f = request("GET", "/api/core/open/own");

	handle(&plain, &f);
	ck_assert_int_eq(r->response.status, 429);
	ck_assert_str_eq(error_code(), "SLOW_DOWN");
	ck_assert_str_eq(header("Retry-After"), "30");
}
END_TEST

START_TEST(handler_error_has_its_status)
{
	struct fake_request f;

	for (int e = ERR_OK + 1; e < ERR__MAX; e++) {
		f = guarded("GET", "/api/core/items");
		handler_says = (enum err)e;
		handle(&plain, &f);
		ck_assert_int_eq(
		    r->response.status, err_info((enum err)e)->status);
		ck_assert_str_eq(error_code(), err_info((enum err)e)->code);
		if (e == ERR_UNAVAILABLE || e == ERR_RATE_LIMITED)
			ck_assert_pstr_eq(header("Retry-After"), "1");
		else
			ck_assert_ptr_null(header("Retry-After"));
	}
}
END_TEST

START_TEST(handler_answers_by_itself)
{
	struct fake_request f = request("GET", "/api/core/open/raw");

	handle(&plain, &f);
	ck_assert_int_eq(r->response.status, 302);
	ck_assert_ptr_null(r->response.content_type);
	ck_assert_str_eq(header("Cache-Control"), "max-age=60");
}
END_TEST

START_TEST(error_response_keeps_the_cookies_only)
{
	struct fake_request f = request("GET", "/api/core/open/raw");

	handler_says = ERR_INTERNAL;
	handle(&plain, &f);
	ck_assert_int_eq(r->response.status, 500);
	ck_assert_str_eq(error_code(), "INTERNAL_ERROR");
	ck_assert_str_eq(header("Set-Cookie"), "sid=; Max-Age=0");
}
END_TEST

START_TEST(session_flags_forbid_storing)
{
	struct fake_request f = request("GET", "/api/core/open/session");

	handle(&plain, &f);
	ck_assert_int_eq(r->response.status, 200);
	ck_assert_str_eq(header("Cache-Control"), "no-store");
}
END_TEST

/* clang-format off */
static const struct {
	enum err before, screen, guard;
	const char *body, *calls;
	int status;
} orders[] = {
	{ 0, 0, 0, TITLE, "bsgh", 200 },
	{ 0, 0, 0, "{}", "bs", 400 },
	{ 0, 0, 0, "{", "b", 400 },
	{ ERR_RATE_LIMITED, 0, 0, "{", "b", 429 },
	{ 0, ERR_FORBIDDEN, 0, "{}", "bs", 403 },
	{ 0, 0, ERR_UNAUTHENTICATED, TITLE, "bsg", 401 },
};
/* clang-format on */

START_TEST(hooks_are_called_in_order)
{
	struct fake_request f = request("POST", "/api/core/open/items");
	struct service s = plain;

	s.hooks.before = hook_before;
	s.hooks.screen = hook_screen;
	s.hooks.guard = hook_guard;
	before_says = orders[_i].before;
	screen_says = orders[_i].screen;
	guard_says = orders[_i].guard;
	set_body(&f, JSON, orders[_i].body);
	handle(&s, &f);
	ck_assert_str_eq(calls, orders[_i].calls);
	ck_assert_int_eq(r->response.status, orders[_i].status);
}
END_TEST

static void
write_short(struct req *req, enum err e)
{
	req_answer(req, err_info(e)->status, NULL, NULL, 0);
}

static void
write_nothing(struct req *req UNUSED, enum err e UNUSED)
{
}

START_TEST(write_error_is_the_services_own)
{
	struct fake_request f = request("GET", "/api/core/items");
	struct service s = plain;

	s.hooks.write_error = write_short;
	handle(&s, &f);
	ck_assert_int_eq(r->response.status, 401);
	ck_assert_uint_eq(r->response.body_len, 0);
	ck_assert_str_eq(header("Cache-Control"), "no-store");

	s.hooks.write_error = write_nothing;
	handle(&s, &f);
	ck_assert_str_eq(error_code(), "UNAUTHENTICATED");
}
END_TEST

/* clang-format off */
static const struct {
	const char *first, *second;
	int status;
} doubles[] = {
	{ "HTTP_COOKIE=a", "HTTP_COOKIE=a", 400 },
	{ "HTTP_AUTHORIZATION=a", "HTTP_AUTHORIZATION=b", 400 },
	{ "HTTP_ORIGIN=a", "HTTP_ORIGIN=", 400 },
	{ "HTTP_REFERER=a", "HTTP_REFERER=b", 400 },
	{ "HTTP_HOST=a", "HTTP_HOST=b", 400 },
	{ "HTTP_IF_MATCH=a", "HTTP_IF_MATCH=b", 400 },
	{ "HTTP_IDEMPOTENCY_KEY=a", "HTTP_IDEMPOTENCY_KEY=b", 400 },
	{ "HTTP_SEC_FETCH_SITE=a", "HTTP_SEC_FETCH_SITE=b", 400 },
	{ "HTTP_SEC_FETCH_ANY=a", "HTTP_SEC_FETCH_ANY=b", 400 },
	{ "KEDGE_HOST=a", "KEDGE_HOST=b", 400 },
	{ "KEDGE_ANY=a", "KEDGE_ANY=b", 400 },
	{ "REMOTE_ADDR=a", "REMOTE_ADDR=b", 400 },
	{ "KEDGE_PATH=/", "X=1", 400 },
	{ "REQUEST_METHOD=GET", "X=1", 400 },
	{ "HTTP_ACCEPT=a", "HTTP_ACCEPT=b", 200 },
	{ "HTTP_COOKIE=a", "HTTP_COOKIES=a", 200 },
	{ "HTTP_SEC_FETCH_SITE=a", "HTTP_SEC_FETCH_MODE=a", 200 },
	{ "KEDGE_A=1", "KEDGE_AB=1", 200 },
};
/* clang-format on */

START_TEST(parameters_given_twice)
{
	struct fake_request f = guarded("GET", "/api/core/items");

	fake_add(&f, doubles[_i].first);
	fake_add(&f, doubles[_i].second);
	handle(&plain, &f);
	ck_assert_int_eq(r->response.status, doubles[_i].status);
	ck_assert_int_eq(handled, doubles[_i].status == 200);
}
END_TEST

START_TEST(parameters_are_bounded)
{
	struct fake_request f = guarded("GET", "/api/core/items");
	char *large = arena_alloc(a, REQ_PARAMS_MAX_BYTES + 10);

	memset(large, 'x', REQ_PARAMS_MAX_BYTES);
	memcpy(large, "HTTP_X=", 7);
	fake_add(&f, large);
	handle(&plain, &f);
	ck_assert_int_eq(r->response.status, 413);
	ck_assert_int_eq(handled, 0);
}
END_TEST

/* clang-format off */
static const struct {
	const char *given;
	bool kept;
} request_ids[] = {
	{ "0123456789abcdef0123456789abcdef", true },
	{ "ABCdef-0", true },
	{ "01234567", true },
	{ "0123456", false },
	{ "", false },
	{ "0123456_", false },
	{ "01234567 ", false },
	{ "01234567\n", false },
	{ "01234567\"", false },
	{ "0123456789012345678901234567890123456789012345678901234567890123",
	  true },
	{ "01234567890123456789012345678901234567890123456789012345678901234",
	  false },
};
/* clang-format on */

START_TEST(request_id_is_nginxs_or_fresh)
{
	struct fake_request f = request("GET", "/health/live");

	fake_add(
	    &f, arena_printf(a, "KEDGE_REQUEST_ID=%s", request_ids[_i].given));
	fake_add(&f, "HTTP_X_REQUEST_ID=aaaaaaaaaaaaaaaa");
	handle(&plain, &f);
	if (request_ids[_i].kept)
		ck_assert_str_eq(r->request_id, request_ids[_i].given);
	else
		ck_assert(uuid_valid(r->request_id));
}
END_TEST

#define TRACE "0af7651916cd43dd8448eb211c80319c"
#define SPAN "b7ad6b7169203331"

/* clang-format off */
static const struct {
	const char *header;
	bool valid;
} traces[] = {
	{ "00-" TRACE "-" SPAN "-01", true },
	{ "00-" TRACE "-" SPAN "-00", true },
	{ "cc-" TRACE "-" SPAN "-01", true },
	{ "cc-" TRACE "-" SPAN "-01-more", true },
	{ "cc-" TRACE "-" SPAN "-01more", false },
	{ "00-" TRACE "-" SPAN "-01-more", false },
	{ "00-" TRACE "-" SPAN "-01 ", false },
	{ " 00-" TRACE "-" SPAN "-01", false },
	{ "ff-" TRACE "-" SPAN "-01", false },
	{ "0g-" TRACE "-" SPAN "-01", false },
	{ "00-0AF7651916cd43dd8448eb211c80319c-" SPAN "-01", false },
	{ "00-00000000000000000000000000000000-" SPAN "-01", false },
	{ "00-" TRACE "-0000000000000000-01", false },
	{ "00-" TRACE "-" SPAN "-0", false },
	{ "00-" TRACE "-" SPAN "-0x", false },
	{ "00-" TRACE "_" SPAN "-01", false },
	{ "00-" TRACE, false },
	{ "00", false },
	{ "", false },
};
/* clang-format on */

START_TEST(trace_id_of_valid_headers_only)
{
	struct fake_request f = request("GET", "/health/live");

	fake_add(&f, arena_printf(a, "HTTP_TRACEPARENT=%s", traces[_i].header));
	handle(&plain, &f);
	if (traces[_i].valid)
		ck_assert_pstr_eq(r->trace_id, TRACE);
	else
		ck_assert_ptr_null(r->trace_id);
}
END_TEST

START_TEST(trace_is_passed_on)
{
	struct fake_request f = guarded("GET", "/api/core/items/7");
	const char *headers[2];

	fake_add(&f, "KEDGE_REQUEST_ID=0123456789abcdef");
	handle(&plain, &f);
	trace_write_headers(r, headers);
	ck_assert_str_eq(headers[0], "X-Request-Id: 0123456789abcdef");
	ck_assert_ptr_null(headers[1]);

	fake_add(&f, "HTTP_TRACEPARENT=00-" TRACE "-" SPAN "-03");
	handle(&plain, &f);
	trace_write_headers(r, headers);
	ck_assert_uint_eq(strlen(headers[1]), strlen("traceparent: ") + 55);
	ck_assert(str_has_prefix(headers[1], "traceparent: 00-" TRACE "-"));
	ck_assert_str_eq(headers[1] + strlen(headers[1]) - 3, "-03");
	ck_assert_ptr_null(strstr(headers[1], SPAN));
}
END_TEST

START_TEST(log_line_has_path_and_pattern_and_no_query)
{
	struct fake_request f = guarded("GET", "/api/core/items/7");
	struct capture c;
	char line[4096];

	fake_add(&f, "QUERY_STRING=token=secret");
	fake_add(&f, "REMOTE_ADDR=192.0.2.7");
	fake_add(&f, "KEDGE_REQUEST_ID=0123456789abcdef");
	fake_add(&f, "HTTP_TRACEPARENT=00-" TRACE "-" SPAN "-01");
	capture_begin(&c);
	fake_handle(&plain, &f, a, r);
	capture_end(&c, line, sizeof(line));
	ck_assert_ptr_null(strstr(line, "secret"));
	ck_assert_ptr_nonnull(strstr(line, "\"msg\":\"request\""));
	ck_assert_ptr_nonnull(strstr(line, "\"path\":\"/api/core/items/7\""));
	ck_assert_ptr_nonnull(strstr(line, "\"route\":\"/items/{id}\""));
	ck_assert_ptr_nonnull(strstr(line, "\"agent\":\"none\""));
	ck_assert_ptr_nonnull(strstr(line, "\"method\":\"GET\""));
	ck_assert_ptr_nonnull(strstr(line, "\"status\":400"));
	ck_assert_ptr_nonnull(strstr(line, "\"us\":"));
	ck_assert_ptr_nonnull(strstr(line, "\"user\":\"u1\""));
	ck_assert_ptr_nonnull(strstr(line, "\"ip\":\"192.0.2.7\""));
	ck_assert_ptr_nonnull(strstr(line, "\"trace_id\":\"" TRACE "\""));
	ck_assert_ptr_nonnull(
	    strstr(line, "\"request_id\":\"0123456789abcdef\""));
	ck_assert_ptr_eq(strchr(line, '\n'), line + strlen(line) - 1);
}
END_TEST

START_TEST(undeclared_error_is_logged)
{
	struct fake_request f = guarded("GET", "/api/core/items");
	struct capture c;
	char line[4096];

	handler_says = ERR_CONFLICT;
	capture_begin(&c);
	fake_handle(&plain, &f, a, r);
	capture_end(&c, line, sizeof(line));
	ck_assert_ptr_nonnull(strstr(line, "does not declare"));

	f = guarded("GET", "/api/core/items/7");
	handler_says = ERR_NOT_FOUND;
	capture_begin(&c);
	fake_handle(&plain, &f, a, r);
	capture_end(&c, line, sizeof(line));
	ck_assert_ptr_null(strstr(line, "does not declare"));
}
END_TEST

static bool
all_ready(void *app UNUSED, struct buf *members)
{
	buf_puts(members, "\"db\":\"ok\",\"cache\":\"away\"");
	return true;
}

static bool
not_ready(void *app UNUSED, struct buf *members)
{
	buf_puts(members, "\"db\":\"away\"");
	return false;
}

START_TEST(health_reports_each_dependency)
{
	struct fake_request live = request("GET", "/health/live");
	struct fake_request ready = request("GET", "/health/ready");
	struct service s = plain;

	s.hooks.before = hook_before;
	before_says = ERR_RATE_LIMITED;
	handle(&s, &live);
	ck_assert_int_eq(r->response.status, 200);
	ck_assert_str_eq(body(), "{\"status\":\"ok\"}");
	handle(&s, &ready);
	ck_assert_str_eq(body(), "{\"status\":\"ok\"}");

	s.hooks.ready = all_ready;
	handle(&s, &ready);
	ck_assert_int_eq(r->response.status, 200);
	ck_assert_str_eq(
	    body(), "{\"status\":\"ok\",\"db\":\"ok\",\"cache\":\"away\"}");

	s.hooks.ready = not_ready;
	handle(&s, &ready);
	ck_assert_int_eq(r->response.status, 503);
	ck_assert_str_eq(body(), "{\"status\":\"away\",\"db\":\"away\"}");
	ck_assert_str_eq(header("Cache-Control"), "no-store");
}
END_TEST

START_TEST(ready_covers_all_pools)
{
	struct fake_request ready = request("GET", "/health/ready");
	struct metrics_pool one = { .wanted = 1, .alive = 1, .serves = true };
	struct metrics_pool jobs = { .wanted = 2 };

	metrics_open(-1);
	metrics_set_pool("api", one);
	metrics_set_pool("worker", jobs);
	handle(&plain, &ready);
	ck_assert_int_eq(r->response.status, 503);
	ck_assert_str_eq(body(), "{\"status\":\"away\",\"pools\":"
				 "{\"api\":\"away\",\"worker\":\"away\"}}");

	/*
	 * When the processes for jobs crash, the service still counts as ready.
	 */
	one.ready = 1;
	metrics_set_pool("api", one);
	handle(&plain, &ready);
	ck_assert_int_eq(r->response.status, 200);
	ck_assert_str_eq(body(), "{\"status\":\"ok\",\"pools\":"
				 "{\"api\":\"ok\",\"worker\":\"away\"}}");

	/* The last heartbeat of the pool's only process is too old. */
	metrics_begin_process("api");
	health_beat(1);
	handle(&plain, &ready);
	ck_assert_int_eq(r->response.status, 503);
	health_beat(clock_monotonic_us());
	handle(&plain, &ready);
	ck_assert_int_eq(r->response.status, 200);

	health_set_draining();
	handle(&plain, &ready);
	ck_assert_int_eq(r->response.status, 503);
	ck_assert_str_eq(body(), "{\"status\":\"draining\",\"pools\":"
				 "{\"api\":\"ok\",\"worker\":\"away\"}}");
}
END_TEST

/* Returns the service with the metrics that a worker process would set up. */
static struct service
with_metrics(const struct service *s)
{
	static struct service_metrics numbers;
	struct service with = *s;

	metrics_open(-1);
	metrics_use_slot("api", 0);
	service_number_routes(s, &numbers);
	with.metrics = &numbers;
	return with;
}

START_TEST(metrics_count_by_route)
{
	struct fake_request get = guarded("GET", "/api/core/items/7");
	struct fake_request gone = guarded("GET", "/api/core/gone");
	struct fake_request metrics = request("GET", "/metrics");
	struct service s = with_metrics(&plain);
	const char *text;

	handle(&s, &get);
	handle(&s, &gone);
	handle(&s, &metrics);
	handle(&s, &metrics);
	text = body();
	ck_assert_ptr_nonnull(strstr(
	    text, "route=\"GET /api/core/items/{id}\",status=\"200\"} 1"));
	ck_assert_ptr_nonnull(
	    strstr(text, "route=\"other\",status=\"404\"} 1"));
	ck_assert_ptr_nonnull(
	    strstr(text, "route=\"builtin\",status=\"200\"} 1"));
}
END_TEST

enum { MANY_ROUTES = 300 };

static enum err
answer_empty(struct req *req, const void *in, void *out)
{
	(void)in;
	(void)out;
	req_answer(req, 204, NULL, NULL, 0);
	return ERR_OK;
}

/*
 * Metrics have a label of its own for each route, however many routes there
 * are.
 */
START_TEST(metrics_name_every_route)
{
	struct route many[MANY_ROUTES + 1] = { 0 };
	const struct route *const lists[] = { many, NULL };
	struct fake_request metrics = request("GET", "/metrics");
	struct service s = plain;
	const char *text;

	for (int i = 0; i < MANY_ROUTES; i++) {
		many[i] = (struct route){
			.method = "GET",
			.path = arena_printf(a, "/many/%d", i),
			.handler = answer_empty,
		};
	}
	s.routes = lists;
	s = with_metrics(&s);
	for (int i = 0; i < MANY_ROUTES; i++) {
		struct fake_request f = guarded(
		    many[i].method, arena_printf(a, "/api/core/many/%d", i));

		handle(&s, &f);
	}
	handle(&s, &metrics);
	text = body();
	for (int i = 0; i < MANY_ROUTES; i++)
		ck_assert_ptr_nonnull(strstr(text,
		    arena_printf(a, "route=\"%s /api/core/many/%d\",status=",
			many[i].method, i)));
	ck_assert_ptr_null(strstr(text, "route=\"other\""));
}
END_TEST

/*
 * Stands in for the database that a hook queries: it answers when the test
 * allows it.
 */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int asked, answered;
	bool frozen;
} base = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.changed = PTHREAD_COND_INITIALIZER,
};

static void
hook_metrics(void *app, struct buf *b)
{
	(void)app;
	pthread_mutex_lock(&base.lock);
	base.asked++;
	pthread_cond_broadcast(&base.changed);
	while (base.frozen)
		pthread_cond_wait(&base.changed, &base.lock);
	buf_puts(b, "from_the_database 7\n");
	pthread_mutex_unlock(&base.lock);
}

static void
thaw(void)
{
	pthread_mutex_lock(&base.lock);
	while (base.asked == 0)
		pthread_cond_wait(&base.changed, &base.lock);
	base.frozen = false;
	pthread_cond_broadcast(&base.changed);
	pthread_mutex_unlock(&base.lock);
}

START_TEST(metrics_do_not_wait_for_the_database)
{
	struct fake_request metrics = request("GET", "/metrics");
	struct service s = with_metrics(&plain);

	scrape_prepare();
	s.hooks.metrics = hook_metrics;
	base.frozen = true;
	handle(&s, &metrics); /* does not return if it waits for the database */
	ck_assert_int_eq(r->response.status, 200);
	ck_assert_ptr_nonnull(strstr(body(), "kedge_build_info{"));
	ck_assert_ptr_nonnull(
	    strstr(body(), "\nkedge_background_metrics_age_seconds{"));
	ck_assert_ptr_null(strstr(body(), "from_the_database"));
	thaw();
	while (strstr(body(), "\nfrom_the_database 7\n") == NULL) {
		sched_yield();
		handle(&s, &metrics);
	}
	scrape_stop();
}
END_TEST

static void
scrape_until_the_database_is_there(
    const struct service *s, struct fake_request *metrics)
{
	do {
		sched_yield();
		handle(s, metrics);
	} while (strstr(body(), "\nfrom_the_database 7\n") == NULL);
}

START_TEST(metrics_of_the_database_are_read_by_one_process_for_all)
{
	struct fake_request metrics = request("GET", "/metrics");
	struct service s = with_metrics(&plain);
	int ready[2], status;
	pid_t child;
	char byte = 0;

	scrape_prepare();
	s.hooks.metrics = hook_metrics;
	ck_assert_int_eq(pipe(ready), 0);
	child = fork();
	if (child == 0) {
		ck_assert_int_eq(read(ready[0], &byte, 1), 1);
		handle(&s, &metrics);
		ck_assert_ptr_nonnull(
		    strstr(body(), "\nfrom_the_database 7\n"));
		scrape_stop();
		ck_assert_int_eq(base.asked, 0);
		_exit(0);
	}
	scrape_until_the_database_is_there(&s, &metrics);
	ck_assert_int_eq(write(ready[1], &byte, 1), 1);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	scrape_stop();
}
END_TEST

START_TEST(metrics_of_the_database_outlive_the_process_that_read_them)
{
	struct fake_request metrics = request("GET", "/metrics");
	struct service s = with_metrics(&plain);
	int status;
	pid_t child;

	scrape_prepare();
	s.hooks.metrics = hook_metrics;
	child = fork();
	if (child == 0) {
		scrape_until_the_database_is_there(&s, &metrics);
		/* Ends like a killed process, without scrape_stop(). */
		_exit(0);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	handle(&s, &metrics);
	ck_assert_ptr_nonnull(strstr(body(), "\nfrom_the_database 7\n"));
	thaw(); /* returns when this process has queried the database */
	scrape_stop();
}
END_TEST

static enum err
verdict(struct req *req)
{
	ck_assert_str_eq(req->path, "/metrics");
	req_answer(req, 204, NULL, NULL, 0);
	return handler_says;
}

START_TEST(handle_all_answers_before_everything)
{
	struct fake_request f = request("GET", "/metrics");
	struct service s = plain;
	struct capture c;
	char line[4096];

	s.handle_all = verdict;
	s.handle_all_route = "verdict";
	/* Without an audience, this asks for the metrics of the pool. */
	fake_handle(&s, &f, a, r);
	ck_assert_int_eq(r->response.status, 200);

	fake_add(&f, "KEDGE_AUDIENCE=core");
	capture_begin(&c);
	fake_handle(&s, &f, a, r);
	capture_end(&c, line, sizeof(line));
	ck_assert_int_eq(r->response.status, 204);
	ck_assert_str_eq(line, "");

	/* For a refused request, verify writes the access line. */
	handler_says = ERR_FORBIDDEN;
	fake_add(&f, "KEDGE_METHOD=PATCH");
	capture_begin(&c);
	fake_handle(&s, &f, a, r);
	capture_end(&c, line, sizeof(line));
	ck_assert_int_eq(r->response.status, 403);
	ck_assert_ptr_nonnull(strstr(line, "\"msg\":\"request\""));
	ck_assert_ptr_nonnull(strstr(line, "\"method\":\"PATCH\""));
	ck_assert_ptr_nonnull(strstr(line, "\"route\":\"verdict\""));

	handler_says = ERR_UNAVAILABLE;
	capture_begin(&c);
	fake_handle(&s, &f, a, r);
	capture_end(&c, line, sizeof(line));
	ck_assert_ptr_nonnull(strstr(line, "\"msg\":\"subrequest\""));
	ck_assert_ptr_nonnull(strstr(line, "\"level\":\"warn\""));
}
END_TEST

/*
 * Sends 60 requests, fewer than the rate limit of log lines; returns how many
 * were logged.
 */
static int
count_lines(int64_t sample, struct fake_request *f, struct sent sent)
{
	int n = 0;

	handle(&plain, f);
	access_set_sample(sample);
	for (int i = 0; i < 60; i++) {
		char id[UUID_TEXT_SIZE], line[4096];
		struct capture c;

		uuid_v7(id);
		r->request_id = id;
		capture_begin(&c);
		access_end(r, sent);
		capture_end(&c, line, sizeof(line));
		n += line[0] != '\0';
	}
	access_set_sample(1);
	return n;
}

START_TEST(log_sample_has_some_successes_and_all_failures)
{
	struct fake_request well = guarded("GET", "/api/core/items/7");
	struct fake_request gone = guarded("GET", "/api/core/gone");
	const struct sent whole = { 0 };
	const struct sent broken = { .e = ERR_INTERNAL, .begun = true };
	int n = count_lines(2, &well, whole);

	/*
	 * Request ids are random: of 60 requests 30 are expected to be logged;
	 * six standard deviations are allowed.
	 */
	ck_assert_int_gt(n, 6);
	ck_assert_int_lt(n, 54);
	ck_assert_int_eq(count_lines(1, &well, whole), 60);
	ck_assert_int_eq(count_lines(1000000, &gone, whole), 60);
	ck_assert_int_eq(count_lines(1000000, &well, broken), 60);
}
END_TEST

static const struct {
	struct sent sent;
	const char *has;
} ends[] = {
	{ { ERR_OK, true, 7 }, "\"level\":\"info\"" },
	{ { ERR_OK, true, 7 }, "\"bytes\":7" },
	{ { ERR_ABANDONED, false, 0 }, "\"msg\":\"request abandoned\"" },
	{ { ERR_ABANDONED, true, 3 }, "\"msg\":\"request\"" },
	{ { ERR_ABANDONED, true, 3 },
	    "\"status\":499,\"sent_status\":200,\"bytes\":3" },
	{ { ERR_UNAVAILABLE, true, 3 }, "\"status\":503,\"sent_status\":200" },
	{ { ERR_UNAVAILABLE, true, 3 }, "\"level\":\"warn\"" },
};

START_TEST(log_line_says_how_the_answer_ended)
{
	struct fake_request f = guarded("GET", "/api/core/items/7");
	struct capture c;
	char line[4096];

	handle(&plain, &f);
	capture_begin(&c);
	access_end(r, ends[_i].sent);
	capture_end(&c, line, sizeof(line));
	ck_assert_ptr_nonnull(strstr(line, ends[_i].has));
}
END_TEST

START_TEST(cookie_replaces_one_of_its_name)
{
	const char *const want[] = {
		"Set-Cookie: sid_2=b; Path=/",
		"Set-Cookie: si=c",
		"X: sid=d",
		"Set-Cookie: sid=e; Path=/",
	};

	*r = (struct req){ .arena = a };
	req_add_cookie(r, "sid=a; Path=/");
	req_add_cookie(r, "sid_2=b; Path=/");
	req_add_cookie(r, "si=c");
	req_add_header(r, "X", "sid=d");
	req_add_cookie(r, "sid=e; Path=/");
	ck_assert_int_eq(r->response.nheaders, COUNT_OF(want));
	for (size_t i = 0; i < COUNT_OF(want); i++)
		ck_assert_str_eq(r->response.headers[i], want[i]);
}
END_TEST

START_TEST(header_with_a_line_break_aborts)
{
	*r = (struct req){ .arena = a };
	req_add_header(r, "X", "a\nSet-Cookie: sid=1");
}
END_TEST

static TCase *
make_case(Suite *suite, const char *name)
{
	TCase *tc = tcase_create(name);

	tcase_add_checked_fixture(tc, setup, teardown);
	suite_add_tcase(suite, tc);
	return tc;
}

static void
add_dispatch(Suite *suite)
{
	TCase *tc = make_case(suite, "dispatch");

	tcase_add_test(tc, guarded_route_answers_and_forbids_storing);
	tcase_add_loop_test(tc, route_by_path_and_method, 0, COUNT_OF(paths));
	tcase_add_test(
	    tc, missing_path_parameter_is_not_replaced_by_another_parameter);
	tcase_add_test(tc, ambiguous_path_is_refused);
	tcase_add_loop_test(tc, parameter_that_nginx_did_not_set_is_refused, 0,
	    (int)COUNT_OF(nginx_params));
	tcase_add_loop_test(tc, hooks_are_called_in_order, 0, COUNT_OF(orders));
	tcase_add_test(tc, handler_answers_by_itself);
	tcase_add_test(tc, session_flags_forbid_storing);
	tcase_add_test(tc, health_reports_each_dependency);
	tcase_add_test(tc, metrics_count_by_route);
	tcase_add_test(tc, ready_covers_all_pools);
	tcase_add_test(tc, trace_is_passed_on);
	tcase_add_test(tc, metrics_name_every_route);
	tcase_add_test(tc, log_sample_has_some_successes_and_all_failures);
	tcase_add_loop_test(
	    tc, log_line_says_how_the_answer_ended, 0, COUNT_OF(ends));
	tcase_add_test(tc, metrics_do_not_wait_for_the_database);
	tcase_add_test(
	    tc, metrics_of_the_database_are_read_by_one_process_for_all);
	tcase_add_test(
	    tc, metrics_of_the_database_outlive_the_process_that_read_them);
	tcase_add_test(tc, handle_all_answers_before_everything);
}

static void
add_guard(Suite *suite)
{
	TCase *tc = make_case(suite, "guard");

	tcase_add_loop_test(
	    tc, identity_in_another_parameter_is_ignored, 0, COUNT_OF(spoofs));
	tcase_add_test(tc, identity_missing_empty_or_of_another_service_is_401);
	tcase_add_test(tc, identity_without_a_key_is_401);
	tcase_add_loop_test(tc, old_verdict_is_renewed, 0, COUNT_OF(aged));
	tcase_add_loop_test(
	    tc, verdict_beyond_the_limit_is_not_renewed, 0, COUNT_OF(aged));
	tcase_add_loop_test(tc, old_verdict_is_401_when_it_cannot_be_renewed, 0,
	    COUNT_OF(aged));
	tcase_add_test(tc, open_route_has_no_identity);
	tcase_add_test(tc, role_is_asked_for_and_admin_passes);
	tcase_add_loop_test(tc, parameters_given_twice, 0, COUNT_OF(doubles));
	tcase_add_test(tc, parameters_are_bounded);
}

static void
add_body(Suite *suite)
{
	TCase *tc = make_case(suite, "body");

	tcase_add_loop_test(tc, body_by_type_and_content, 0, COUNT_OF(bodies));
	tcase_add_test(tc, body_form_is_decoded);
	tcase_add_test(tc, body_malformed_is_a_problem_of_the_body);
	tcase_add_loop_test(tc, body_by_length, 0, COUNT_OF(lengths));
	tcase_add_test(tc, body_that_breaks_off_is_invalid);
	tcase_add_test(tc, body_after_a_nul_is_refused);
	tcase_add_loop_test(
	    tc, body_without_a_length_is_the_same, 0, COUNT_OF(bodies));
	tcase_add_test(tc, body_is_ignored_as_by_betterauth);
	tcase_add_test(tc, body_with_a_content_encoding_is_refused);
	tcase_add_test(tc, body_holds_so_many_values);
	tcase_add_test(tc, body_keeps_only_what_rows_name);
	tcase_add_loop_test(
	    tc, input_without_a_row_is_refused, 0, COUNT_OF(unknowns));
	tcase_add_test(tc, query_is_ignored_where_the_row_says_so);
	tcase_add_test(tc, body_is_read_only_after_the_guard);
}

static void
add_answers(Suite *suite)
{
	TCase *tc = make_case(suite, "answers");

	tcase_add_test(tc, invalid_fields_are_listed);
	tcase_add_test(tc, req_invalid_is_a_rule);
	tcase_add_test(tc, req_fail_gives_code_and_retry);
	tcase_add_test(tc, handler_error_has_its_status);
	tcase_add_test(tc, error_response_keeps_the_cookies_only);
	tcase_add_test(tc, write_error_is_the_services_own);
	tcase_add_loop_test(
	    tc, request_id_is_nginxs_or_fresh, 0, COUNT_OF(request_ids));
	tcase_add_loop_test(
	    tc, trace_id_of_valid_headers_only, 0, COUNT_OF(traces));
	tcase_add_test(tc, log_line_has_path_and_pattern_and_no_query);
	tcase_add_test(tc, undeclared_error_is_logged);
	tcase_add_test(tc, cookie_replaces_one_of_its_name);
	tcase_add_test_raise_signal(
	    tc, header_with_a_line_break_aborts, SIGABRT);
}

int
main(void)
{
	Suite *suite = suite_create("service");

	add_dispatch(suite);
	add_guard(suite);
	add_body(suite);
	add_answers(suite);
	return unit_run(suite);
}
