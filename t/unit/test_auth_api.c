/*
 * Responses of auth's API that need no database: routing, validation, origins,
 * limits.  Texts are BetterAuth's, byte for byte.
 */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/auth.h"
#include "auth/auth_shared.h"
#include "auth/config.h"
#include "auth/http/credential.h"
#include "auth/http/error.h"
#include "auth/http/gate.h"
#include "auth/http/limit.h"
#include "auth/http/signed_cookie.h"
#include "auth/password/hash_pool.h"
#include "auth/password/hash_slots.h"
#include "auth/provision/provision_routes.h"
#include "auth/routes.h"
#include "auth/verify/verify.h"
#include "base/arena.h"
#include "base/attr.h"
#include "base/jws.h"
#include "base/log.h"
#include "base/str.h"
#include "cache/rate_limit.h"
#include "db/db.h"
#include "fake_request.h"

#define OWN "http://127.0.0.1:8080"

static struct plugin_set set;
static struct auth_config config = {
	.plugin_set = &set,
	.secret = "0123456789abcdef0123456789abcdef",
	.url = OWN,
	.trusted_origins = "https://ok.example",
	.cookie_prefix = "better-auth",
	.services = "core,wallet",
};
static struct auth_shared shared;
static struct auth auth;
static struct arena *a;

static const struct service api = {
	.name = "auth",
	.prefix = auth_prefix,
	.routes = set.routes,
	.session_flags = AUTH_SESSION,
	.ignores_unknown = true,
	.hooks = { .before = gate_before,
	    .screen = gate_screen,
	    .guard = gate_guard,
	    .write_error = error_answer },
	.app = &auth,
};
static const struct service verdicts = {
	.name = "auth",
	.prefix = auth_prefix,
	.routes = set.routes,
	.handle_all = verify_request,
	.handle_all_route = "verdict",
	.app = &auth,
};

static struct hash_pool *
new_pool(int waiting_max)
{
	return hash_pool_new(&(struct hash_pool_options){
	    .slots = &shared.slots,
	    .concurrency = 1,
	    .waiting_max = waiting_max,
	});
}

static void
setup(void)
{
	a = arena_new();
	memset(&auth, 0, sizeof(auth));
	memset(&shared, 0, sizeof(shared));
	ck_assert(
	    config_compose(&set, "email-password,admin", /* fields= */ NULL));
	ck_assert(auth_init(&auth, &config));
	auth.shared = &shared;
	/*
	 * No PostgreSQL listens at this address: a request that needs the
	 * database gets 503.
	 */
	auth.process.db = db_open(&(struct db_options){
	    .url = "host=/nonexistent",
	    .connections = 1,
	    .acquire_timeout_ms = 100,
	    .statement_timeout_ms = 100,
	});
	auth.process.limit = rate_limit_new(NULL);
	hash_slots_init(&shared.slots);
	auth.hashes = new_pool(/* waiting_max= */ 1);
}

static void
teardown(void)
{
	hash_pool_free(auth.hashes);
	rate_limit_free(auth.process.limit);
	db_close(auth.process.db);
	auth_release(&auth);
	arena_free(a);
	config.rate_limit = false;
}

static const char *
body_of(const struct req *r)
{
	return arena_strndup(a,
	    r->response.body != NULL ? r->response.body : "",
	    r->response.body_len);
}

static const char *
header_of(const struct req *r, const char *name)
{
	size_t len = strlen(name);

	for (int i = 0; i < r->response.nheaders; i++) {
		if (strncmp(r->response.headers[i], name, len) == 0 &&
		    r->response.headers[i][len] == ':')
			return r->response.headers[i] + len + 2;
	}
	return NULL;
}

/*
 * Sends a request to auth; the caller may have added further parameters to *f.
 */
static struct req
ask(struct fake_request *f, const char *method, const char *path,
    const char *body)
{
	const char *query = strchr(path, '?');
	struct req r;

	fake_add(f, arena_printf(a, "REQUEST_METHOD=%s", method));
	fake_add(f, arena_printf(a, "KEDGE_PATH=/api/auth%.*s",
			(int)strcspn(path, "?"), path));
	fake_add(f,
	    arena_printf(a, "QUERY_STRING=%s", query != NULL ? query + 1 : ""));
	fake_add(f, "REMOTE_ADDR=192.0.2.1");
	if (body != NULL) {
		fake_add(
		    f, arena_printf(a, "CONTENT_LENGTH=%zu", strlen(body)));
		f->body = body;
		f->body_len = strlen(body);
	}
	fake_handle(&api, f, a, &r);
	return r;
}

#define INVALID(text) \
	400, "{\"message\":\"" text "\",\"code\":\"VALIDATION_ERROR\"}"
#define EXPECTED(what, got) "Invalid input: expected " what ", received " got
#define ERROR(message, code) \
	"{\"message\":\"" message "\",\"code\":\"" code "\"}"
#define UNAUTHORIZED 401, ERROR("Unauthorized", "UNAUTHORIZED")

/* clang-format off */
static const struct {
	const char *method, *path, *body;
	int status;
	const char *answer;
} rows[] = {
	{ "GET", "/ok", NULL, 200, "{\"ok\":true}" },
	{ "GET", "/get-session", NULL, 200, "null" },
	{ "POST", "/get-session", "{}", 405, ERROR("POST method requires "
	    "deferSessionRefresh to be enabled in session config",
	    "METHOD_NOT_ALLOWED_DEFER_SESSION_REQUIRED") },

	/* The 404 for a path that does not exist has an empty body. */
	{ "GET", "/nothing", NULL, 404, "" },
	{ "GET", "/ok/", NULL, 404, "" },
	{ "GET", "//ok", NULL, 404, "" },
	{ "GET", "", NULL, 404, "" },
	{ "HEAD", "/ok", NULL, 404, "" },
	{ "OPTIONS", "/sign-in/email", NULL, 404, "" },
	{ "GET", "/sign-in/email", NULL, 404, "" },
	{ "PUT", "/sign-up/email", "{}", 404, "" },
	{ "POST", "/provision", NULL, 404, "" },

	{ "POST", "/sign-up/email", NULL, INVALID(
	    "[body] " EXPECTED("object", "undefined") "; "
	    "[body] " EXPECTED("record", "undefined")) },
	{ "POST", "/sign-up/email", "[]", INVALID(
	    "[body] " EXPECTED("object", "array") "; "
	    "[body] " EXPECTED("record", "array")) },
	{ "POST", "/sign-up/email", "null", INVALID(
	    "[body] " EXPECTED("object", "null") "; "
	    "[body] " EXPECTED("record", "null")) },
	{ "POST", "/sign-up/email", "{}", INVALID(
	    "[body.name] " EXPECTED("string", "undefined") "; "
	    "[body.email] " EXPECTED("string", "undefined") "; "
	    "[body.password] " EXPECTED("string", "undefined")) },
	{ "POST", "/sign-up/email", "{\"name\":1,\"email\":\"x\","
	    "\"password\":\"\",\"image\":null,\"callbackURL\":\"\","
	    "\"rememberMe\":\"a\"}", INVALID(
	    "[body.name] " EXPECTED("string", "number") "; "
	    "[body.email] Invalid email address; "
	    "[body.password] Too small: expected string to have >=1 "
	    "characters; "
	    "[body.image] " EXPECTED("string", "null") "; "
	    "[body.rememberMe] " EXPECTED("boolean", "string")) },
	{ "POST", "/sign-up/email", "{\"name\":\"\",\"email\":\"a@b\","
	    "\"password\":\"12345678\"}",
	    INVALID("[body.email] Invalid email address") },
	{ "POST", "/sign-up/email", "{\"name\":\"A\",\"email\":\"a@b.co\","
	    "\"password\":\"1234567\"}",
	    400, ERROR("Password too short", "PASSWORD_TOO_SHORT") },
	{ "POST", "/sign-up/email", "{\"name\":\"A\",\"email\":\"a@b.co\","
	    "\"password\":\"12345678\",\"role\":\"admin\"}",
	    400, ERROR("role is not allowed to be set", "FIELD_NOT_ALLOWED") },
	{ "POST", "/sign-up/email", "{\"name\":\"A\",\"email\":\"a@b.co\","
	    "\"password\":\"12345678\",\"banReason\":\"x\"}", 400,
	    ERROR("banReason is not allowed to be set", "FIELD_NOT_ALLOWED") },
	{ "POST", "/sign-up/email", "{\"name\":\"A\",\"email\":\"a@b.co\","
	    "\"password\":\"1\",\"role\":\"admin\"}",
	    400, ERROR("Password too short", "PASSWORD_TOO_SHORT") },
	{ "POST", "/sign-up/email", "{\"name\":",
	    400, ERROR("Invalid JSON in request body", "BAD_REQUEST") },
	{ "POST", "/sign-up/email", "{\"name\":1,\"name\":2}",
	    400, ERROR("Invalid JSON in request body", "BAD_REQUEST") },
	{ "POST", "/sign-up/email", "{}x",
	    400, ERROR("Invalid JSON in request body", "BAD_REQUEST") },
	{ "POST", "/sign-up/email", "{\"callbackURL\":[\"/\"]}",
	    400, "{\"message\":\"Invalid callbackURL: expected a string\"}" },
	{ "POST", "/sign-up/email", "{\"callbackURL\":\"//evil.example\"}",
	    403, ERROR("Invalid callbackURL", "INVALID_CALLBACK_URL") },

	{ "POST", "/sign-in/email", NULL,
	    INVALID("[body] " EXPECTED("object", "undefined")) },
	{ "POST", "/sign-in/email", "{\"email\":\"x\",\"password\":\"y\"}",
	    400, ERROR("Invalid email", "INVALID_EMAIL") },
	{ "POST", "/sign-in/email", "{\"email\":\"a@b.co\","
	    "\"password\":\"y\",\"rememberMe\":null}", INVALID(
	    "[body.rememberMe] " EXPECTED("boolean", "null")) },
	{ "POST", "/sign-in/email", "{\"redirectTo\":\"//x\"}",
	    403, ERROR("Invalid redirectURL", "INVALID_REDIRECT_URL") },
	{ "POST", "/sign-in/email", "{\"errorCallbackURL\":\"javascript:1\"}",
	    403, ERROR("Invalid errorCallbackURL",
	    "INVALID_ERROR_CALLBACK_URL") },
	{ "POST", "/sign-in/email", "{\"newUserCallbackURL\":\"x\"}",
	    403, ERROR("Invalid newUserCallbackURL",
	    "INVALID_NEW_USER_CALLBACK_URL") },
	{ "POST", "/sign-in/email?callbackURL=http%3A%2F%2Fevil.example", "{}",
	    403, ERROR("Invalid callbackURL", "INVALID_CALLBACK_URL") },

	/*
	 * When the body is invalid and the session is missing, the error of the
	 * body is returned.
	 */
	{ "POST", "/revoke-session", "{}", INVALID(
	    "[body.token] " EXPECTED("string", "undefined")) },
	{ "POST", "/revoke-session", "{\"token\":\"x\"}", UNAUTHORIZED },
	{ "POST", "/revoke-sessions", NULL, UNAUTHORIZED },
	{ "POST", "/revoke-other-sessions", "{}", UNAUTHORIZED },
	{ "GET", "/list-sessions", NULL, UNAUTHORIZED },
	{ "POST", "/update-user", NULL, INVALID(
	    "[body] " EXPECTED("record", "undefined")) },
	{ "POST", "/update-user", "[1]", INVALID(
	    "[body] " EXPECTED("record", "array")) },
	{ "POST", "/update-user", "{}", UNAUTHORIZED },
	{ "POST", "/change-password", "{}", INVALID(
	    "[body.newPassword] " EXPECTED("string", "undefined") "; "
	    "[body.currentPassword] " EXPECTED("string", "undefined")) },
	{ "POST", "/change-password", "{\"newPassword\":\"a\","
	    "\"currentPassword\":\"b\"}", UNAUTHORIZED },
	{ "POST", "/sign-out", NULL, 200, "{\"success\":true}" },
	{ "POST", "/sign-out", "{}", 200, "{\"success\":true}" },
	{ "POST", "/sign-out", "[]", INVALID(
	    "[body] " EXPECTED("object", "array")) },
};

static const struct {
	const char *params[4];
	int status;
	const char *code;
} origin_rows[] = {
	/*
	 * The origin is checked for a request with any cookie on a route that
	 * changes data.
	 */
	{ { "HTTP_COOKIE=a=b" }, 403, "MISSING_OR_NULL_ORIGIN" },
	{ { "HTTP_COOKIE=a=b", "HTTP_ORIGIN=null" },
	  403, "MISSING_OR_NULL_ORIGIN" },
	{ { "HTTP_COOKIE=a=b", "HTTP_ORIGIN=null",
	    "HTTP_SEC_FETCH_SITE=same-origin" }, 400, "INVALID_EMAIL" },
	{ { "HTTP_COOKIE=a=b", "HTTP_ORIGIN=https://evil.example" },
	  403, "INVALID_ORIGIN" },
	{ { "HTTP_COOKIE=a=b", "HTTP_ORIGIN=" OWN }, 400, "INVALID_EMAIL" },
	{ { "HTTP_COOKIE=a=b", "HTTP_REFERER=" OWN "/page" },
	  400, "INVALID_EMAIL" },
	/*
	 * The origin is also checked for a request without a cookie if its
	 * headers show that a browser sent it.
	 */
	{ { "HTTP_SEC_FETCH_MODE=cors" }, 403, "MISSING_OR_NULL_ORIGIN" },
	{ { "HTTP_SEC_FETCH_SITE=cross-site",
	    "HTTP_SEC_FETCH_MODE=navigate" },
	  403, "CROSS_SITE_NAVIGATION_LOGIN_BLOCKED" },
	{ { "HTTP_ORIGIN=https://evil.example" }, 403, "INVALID_ORIGIN" },
	{ { "HTTP_REFERER=https://evil.example/x" }, 403, "INVALID_ORIGIN" },
	{ { "HTTP_ORIGIN=https://ok.example" }, 400, "INVALID_EMAIL" },
	/* No browser. */
	{ { NULL }, 400, "INVALID_EMAIL" },
};

static const struct {
	const char *audience, *guard, *method;
	int status;
} questions[] = {
	{ "core", "standard", "GET", 401 },
	{ "wallet", "standard", "POST", 401 },
	{ "core", "role-gated", "GET", 401 },
	{ "core", "none", "GET", 204 },
	{ "core", "flexible", "GET", 500 },
	{ "core", "", "GET", 500 },
	{ "core", NULL, "GET", 500 },
	{ "auth", "role-gated", "GET", 401 },
	{ "mail", "none", "GET", 500 },
	{ "", "none", "GET", 500 },
	{ NULL, "none", "GET", 500 },
	{ "core", "none", NULL, 500 },
	{ "core", "none", "", 500 },
};

static const struct {
	const char *path, *raw;
	const char *headers[3];
	const char *method;
	const char *location;
} returns[] = {
	{ "/api/core/x", "/api/core/x", { "HTTP_ACCEPT=text/html" }, "GET",
	  "/?next=%2Fapi%2Fcore%2Fx" },
	{ "/api/core/x", "/api/core/x?a=b&c=//d",
	  { "HTTP_SEC_FETCH_MODE=navigate" }, "GET",
	  "/?next=%2Fapi%2Fcore%2Fx%3Fa%3Db%26c%3D%2F%2Fd" },
	{ "/x", "/x", { "HTTP_SEC_FETCH_MODE=navigate" }, "HEAD",
	  "/?next=%2Fx" },
	{ "/x", "/x", { "HTTP_SEC_FETCH_MODE=cors", "HTTP_ACCEPT=text/html" },
	  "GET", NULL },
	{ "/x", "/x", { "HTTP_SEC_FETCH_DEST=empty", "HTTP_ACCEPT=text/html" },
	  "GET", NULL },
	{ "/x", "/x", { "HTTP_ACCEPT=text/html" }, "POST", NULL },
	{ "/x", "/x", { "HTTP_ACCEPT=application/json" }, "GET", NULL },
	{ "/x", "/x", { NULL }, "GET", NULL },
	{ "//evil.example", "//evil.example", { "HTTP_ACCEPT=text/html" },
	  "GET", "/?next=%2F" },
	{ "/\\evil.example", "/", { "HTTP_ACCEPT=text/html" }, "GET",
	  "/?next=%2F" },
	{ "/a\r\nb\"<", "/x", { "HTTP_ACCEPT=text/html" }, "GET",
	  "/?next=%2Fa%250D%250Ab%2522%253C" },
	{ "/a?b#c d/\xc3\xa9", "/x?\xc3\xa9=%20#", { "HTTP_ACCEPT=text/html" },
	  "GET", "/?next=%2Fa%253Fb%2523c%2520d%2F%25C3%25A9%3F%25C3%25A9%3D"
	  "%2520%23" },
};
/* clang-format on */

START_TEST(requests_get_the_expected_answers)
{
	struct fake_request f = { 0 };
	struct req r;

	if (rows[_i].body != NULL)
		fake_add(&f, "CONTENT_TYPE=application/json");
	r = ask(&f, rows[_i].method, rows[_i].path, rows[_i].body);
	ck_assert_str_eq(body_of(&r), rows[_i].answer);
	ck_assert_int_eq(r.response.status, rows[_i].status);
	ck_assert_ptr_null(header_of(&r, "Allow"));
	ck_assert_str_eq(header_of(&r, "Cache-Control"), "no-store");
}
END_TEST

START_TEST(requests_get_the_answer_for_their_origin)
{
	struct fake_request f = { 0 };
	struct req r;

	fake_add(&f, "CONTENT_TYPE=application/json");
	for (int i = 0; origin_rows[_i].params[i] != NULL; i++)
		fake_add(&f, origin_rows[_i].params[i]);
	r = ask(&f, "POST", "/sign-in/email",
	    "{\"email\":\"x\",\"password\":\"y\"}");
	ck_assert_int_eq(r.response.status, origin_rows[_i].status);
	ck_assert_ptr_nonnull(strstr(body_of(&r), origin_rows[_i].code));
}
END_TEST

START_TEST(other_media_types_are_refused)
{
	struct fake_request f = { 0 };
	struct req r;

	fake_add(&f, "CONTENT_TYPE=text/plain; a=\"b\"");
	r = ask(&f, "POST", "/sign-in/email", "x");
	ck_assert_int_eq(r.response.status, 415);
	ck_assert_str_eq(body_of(&r),
	    "{\"message\":\"Content-Type \\\"text/plain; a=\\\"b\\\"\\\" is not"
	    " allowed. Allowed types: application/x-www-form-urlencoded,"
	    " application/json\",\"code\":\"UNSUPPORTED_MEDIA_TYPE\"}");
}
END_TEST

START_TEST(form_is_accepted_for_sign_in_and_sign_up)
{
	struct fake_request f = { 0 };
	struct req r;

	fake_add(&f, "CONTENT_TYPE=application/x-www-form-urlencoded");
	r = ask(&f, "POST", "/sign-in/email", "email=x&password=%31");
	ck_assert_str_eq(body_of(&r), ERROR("Invalid email", "INVALID_EMAIL"));
}
END_TEST

START_TEST(sign_out_clears_the_cookies)
{
	struct fake_request f = { 0 };
	struct req r = ask(&f, "POST", "/sign-out", NULL);
	int n = 0;

	for (int i = 0; i < r.response.nheaders; i++) {
		if (str_has_prefix(r.response.headers[i], "Set-Cookie: "))
			n++;
	}
	ck_assert_int_eq(n, 3);
	ck_assert_str_eq(header_of(&r, "Set-Cookie"),
	    "better-auth.session_token=; Max-Age=0; Path=/; HttpOnly; "
	    "SameSite=Lax");
}
END_TEST

START_TEST(session_data_of_another_server_is_cleared)
{
	struct fake_request f = { 0 };
	struct req r;

	fake_add(&f, "HTTP_COOKIE=better-auth.session_data=x; "
		     "better-auth.session_data.0=y");
	r = ask(&f, "GET", "/get-session", NULL);
	ck_assert_str_eq(header_of(&r, "Set-Cookie"),
	    "better-auth.session_data=; Max-Age=0; Path=/; HttpOnly; "
	    "SameSite=Lax");
	ck_assert_str_eq(header_of(&r, "Pragma"), "no-cache");
}
END_TEST

static const char *
session_cookie(const char *name)
{
	return arena_printf(a, "HTTP_COOKIE=%s=%s", name,
	    signed_cookie_write(
		a, config.secret, strlen(config.secret), "token"));
}

START_TEST(without_a_database_the_answer_is_503_with_retry_after)
{
	struct fake_request f = { 0 };
	struct req r;

	fake_add(&f, session_cookie("better-auth.session_token"));
	fake_add(&f, "HTTP_ORIGIN=" OWN);
	r = ask(&f, "POST", "/sign-out", NULL);
	ck_assert_int_eq(r.response.status, 503);
	ck_assert_ptr_nonnull(header_of(&r, "Retry-After"));
	ck_assert_ptr_null(header_of(&r, "Set-Cookie"));
}
END_TEST

START_TEST(limit_answers_429_as_betterauth_does)
{
	struct req r;

	config.rate_limit = true;
	for (int i = 0; i <= LIMIT_PASSWORD_REQUESTS; i++) {
		struct fake_request f = { 0 };

		r = ask(&f, "POST", "/sign-in/email", NULL);
		ck_assert_int_eq(
		    r.response.status, i < LIMIT_PASSWORD_REQUESTS ? 400 : 429);
	}
	ck_assert_str_eq(body_of(&r),
	    "{\"message\":\"Too many requests. Please try again later.\"}");
	ck_assert_ptr_nonnull(header_of(&r, "Retry-After"));
	ck_assert_str_eq(
	    header_of(&r, "X-Retry-After"), header_of(&r, "Retry-After"));
}
END_TEST

static const char *const detours[] = { "/sign-in/email/", "/sign-in/email//" };

START_TEST(limit_counts_other_spellings_of_a_path)
{
	struct req r;

	config.rate_limit = true;
	for (int i = 0; i <= LIMIT_PASSWORD_REQUESTS; i++) {
		struct fake_request f = { 0 };

		r = ask(&f, "POST", detours[_i], NULL);
	}
	ck_assert_int_eq(r.response.status, 429);
	r = ask(&(struct fake_request){ 0 }, "POST", "/sign-in/email", NULL);
	ck_assert_int_eq(r.response.status, 429);
	r = ask(&(struct fake_request){ 0 }, "GET", "/ok", NULL);
	ck_assert_int_eq(r.response.status, 200);
}
END_TEST

/* clang-format off */
static const struct route counted_rows[] = {
	{ "GET", "/things", NULL, .guard = GUARD_NONE },
	{ "POST", "/things", NULL, .guard = GUARD_NONE, .rate = { 2, 10 } },
	{ "GET", "/things/{id}", NULL, .guard = GUARD_NONE, .rate = { 5, 10 } },
	{ "GET", "/jobs/{id}", NULL, .guard = GUARD_NONE },
	{ 0 },
};
static const struct {
	const char *method, *path;
	int limit;
	bool own; /* true: this route has a rate limit counter of its own */
} counts[] = {
	{ "GET", "/things", LIMIT_REQUESTS, true },
	{ "POST", "/things", 2, true },
	{ "POST", "/things/", 2, true },
	{ "GET", "/things/1", 5, true },
	{ "GET", "/jobs/1", LIMIT_REQUESTS, true },
	{ "DELETE", "/things/1", 5, true },
	{ "GET", "/nothing", LIMIT_REQUESTS, false },
	{ "GET", "/jobs/1/2", LIMIT_REQUESTS, false },
	{ "GET", "/", LIMIT_REQUESTS, false },
};
/* clang-format on */

START_TEST(limit_is_that_of_the_route)
{
	static const struct route *const lists[] = { counted_rows, NULL };
	const struct service s = { .prefix = "/api/auth", .routes = lists };
	struct fake_request f = { 0 };
	const struct request_source source = { .param = fake_param, .ctx = &f };
	struct req r = { .arena = a,
		.app = &auth,
		.service = &s,
		.source = &source,
		.client_ip = "192.0.2.1",
		.method = counts[_i].method,
		.path = arena_printf(a, "/api/auth%s", counts[_i].path) };
	struct req other = r;

	config.rate_limit = true;
	for (int i = 0; i < counts[_i].limit; i++)
		ck_assert_int_eq(limit_request(&r), ERR_OK);
	ck_assert_int_ne(limit_request(&r), ERR_OK);
	other.path = "/api/auth/invented";
	if (counts[_i].own)
		ck_assert_int_eq(limit_request(&other), ERR_OK);
	else
		ck_assert_int_ne(limit_request(&other), ERR_OK);
	/* Requests with another value of {id} count for the same route. */
	if (str_eq(counts[_i].path, "/things/1")) {
		r.path = "/api/auth/things/2";
		ck_assert_int_ne(limit_request(&r), ERR_OK);
	}
}
END_TEST

START_TEST(attempt_without_a_wrong_password_is_not_counted)
{
	struct req r = { .arena = a, .app = &auth, .client_ip = "192.0.2.1" };

	config.rate_limit = true;
	for (int i = 0; i < 2 * LIMIT_TRIES; i++) {
		ck_assert_int_eq(limit_try(&r, "a@b.co"), ERR_OK);
		limit_refund_try(&r, "a@b.co");
	}
	for (int i = 0; i < LIMIT_TRIES; i++)
		ck_assert_int_eq(limit_try(&r, "a@b.co"), ERR_OK);
	/* A successful sign-in does not reset the count of wrong passwords. */
	ck_assert_int_eq(limit_try(&r, "a@b.co"), ERR_RATE_LIMITED);
}
END_TEST

START_TEST(attempts_count_for_the_account_however_its_name_is_spelled)
{
	struct req r = { .arena = a, .app = &auth, .client_ip = "192.0.2.1" };
	struct req neighbour = r, stranger = r;

	config.rate_limit = true;
	/* In the network of the first client. */
	neighbour.client_ip = "192.0.2.200";
	stranger.client_ip = "198.51.100.1";
	for (int i = 0; i < LIMIT_TRIES; i++)
		ck_assert_int_eq(limit_try(&r, "a@b.co"), ERR_OK);
	ck_assert_int_eq(limit_try(&r, "a@b.co"), ERR_RATE_LIMITED);
	ck_assert_int_eq(limit_try(&neighbour, "a@b.co"), ERR_RATE_LIMITED);
	/*
	 * The owner of the account is not locked out in another network, and
	 * other accounts are not locked out in this network.
	 */
	ck_assert_int_eq(limit_try(&stranger, "a@b.co"), ERR_OK);
	ck_assert_int_eq(limit_try(&r, "c@b.co"), ERR_OK);
}
END_TEST

static struct req
ask_verify(struct fake_request *f)
{
	struct req r;

	fake_add(f, "REQUEST_METHOD=GET");
	fake_handle(&verdicts, f, a, &r);
	return r;
}

START_TEST(verdict_without_a_session_is_401)
{
	struct fake_request f = { 0 };
	struct req r;

	fake_add(&f, "KEDGE_PATH=/api/core/x");
	if (questions[_i].audience != NULL)
		fake_add(&f, arena_printf(a, "KEDGE_AUDIENCE=%s",
				 questions[_i].audience));
	if (questions[_i].guard != NULL)
		fake_add(
		    &f, arena_printf(a, "KEDGE_GUARD=%s", questions[_i].guard));
	if (questions[_i].method != NULL)
		fake_add(&f,
		    arena_printf(a, "KEDGE_METHOD=%s", questions[_i].method));
	r = ask_verify(&f);
	ck_assert_int_eq(r.response.status, questions[_i].status);
	ck_assert_ptr_null(header_of(&r, "Kedge-Identity"));
	ck_assert_str_eq(header_of(&r, "Cache-Control"), "no-store");
}
END_TEST

START_TEST(verdict_that_cannot_be_found_is_503)
{
	struct fake_request f = { 0 };
	struct req r;

	/* The service answers no such path. */
	fake_add(&f, "KEDGE_PATH=/health/live");
	fake_add(&f, "KEDGE_AUDIENCE=core");
	fake_add(&f,
	    arena_printf(a, "KEDGE_GUARD=%s", _i == 0 ? "standard" : "none"));
	fake_add(&f, "KEDGE_METHOD=GET");
	fake_add(&f, session_cookie("better-auth.session_token"));
	r = ask_verify(&f);
	ck_assert_int_eq(r.response.status, 503);
}
END_TEST

START_TEST(verdict_redirects_only_browser_navigation_to_sign_in)
{
	struct fake_request f = { 0 };
	struct req r;

	fake_add(&f, arena_printf(a, "KEDGE_PATH=%s", returns[_i].path));
	fake_add(&f, arena_printf(a, "KEDGE_RAW_URI=%s", returns[_i].raw));
	fake_add(&f, "KEDGE_AUDIENCE=core");
	fake_add(&f, "KEDGE_GUARD=standard");
	fake_add(&f, arena_printf(a, "KEDGE_METHOD=%s", returns[_i].method));
	for (int i = 0; returns[_i].headers[i] != NULL; i++)
		fake_add(&f, returns[_i].headers[i]);
	r = ask_verify(&f);
	ck_assert_int_eq(r.response.status, 401);
	ck_assert_pstr_eq(header_of(&r, "Location"), returns[_i].location);
}
END_TEST

enum { NOW_S = 1893456000 };

/* clang-format off */
static const struct {
	const char *key_of, *claims;
	const char *service; /* the service that the token authenticates; NULL: refused */
} tokens[] = {
	{ "core", "{\"iss\":\"core\",\"aud\":\"auth\",\"sub\":\"u\","
	    "\"iat\":1893456000,\"exp\":1893456060}", "core" },
	{ "wallet", "{\"iss\":\"wallet\",\"aud\":\"auth\",\"sub\":\"u\","
	    "\"iat\":1893456004,\"exp\":1893456010}", "wallet" },
	{ "wallet", "{\"iss\":\"core\",\"aud\":\"auth\",\"sub\":\"u\","
	    "\"iat\":1893456000,\"exp\":1893456060}", NULL },
	{ "other", "{\"iss\":\"core\",\"aud\":\"auth\",\"sub\":\"u\","
	    "\"iat\":1893456000,\"exp\":1893456060}", NULL },
	{ "core", "{\"iss\":\"core\",\"aud\":\"core\",\"sub\":\"u\","
	    "\"iat\":1893456000,\"exp\":1893456060}", NULL },
	{ "core", "{\"iss\":\"auth\",\"aud\":\"core\",\"sub\":\"u\","
	    "\"iat\":1893456000,\"exp\":1893456060}", NULL },
	{ "core", "{\"iss\":\"core\",\"aud\":\"auth\",\"sub\":\"\","
	    "\"iat\":1893456000,\"exp\":1893456060}", NULL },
	{ "core", "{\"iss\":\"core\",\"aud\":\"auth\","
	    "\"iat\":1893456000,\"exp\":1893456060}", NULL },
	{ "core", "{\"iss\":\"core\",\"aud\":\"auth\",\"sub\":\"u\","
	    "\"exp\":1893456060}", NULL },
	{ "core", "{\"iss\":\"core\",\"aud\":\"auth\",\"sub\":\"u\","
	    "\"iat\":1893456000}", NULL },
	/*
	 * Tokens that have expired, are valid for too long, or are not valid
	 * yet.
	 */
	{ "core", "{\"iss\":\"core\",\"aud\":\"auth\",\"sub\":\"u\","
	    "\"iat\":1893455900,\"exp\":1893455990}", NULL },
	{ "core", "{\"iss\":\"core\",\"aud\":\"auth\",\"sub\":\"u\","
	    "\"iat\":1893456000,\"exp\":1893456066}", NULL },
	{ "core", "{\"iss\":\"core\",\"aud\":\"auth\",\"sub\":\"u\","
	    "\"iat\":1893456006,\"exp\":1893456060}", NULL },
};
/* clang-format on */

START_TEST(provision_checks_its_token)
{
	const char *user_id = NULL;
	unsigned char key[IDENTITY_KEY_SIZE];

	identity_derive_key(config.secret, tokens[_i].key_of, key);
	ck_assert_pstr_eq(provision_token_read(&auth, a,
			      jws_sign(a, key, sizeof(key), tokens[_i].claims,
				  strlen(tokens[_i].claims)),
			      NOW_S, &user_id),
	    tokens[_i].service);
	ck_assert_pstr_eq(user_id, tokens[_i].service != NULL ? "u" : NULL);
}
END_TEST

START_TEST(provision_is_for_signed_callers)
{
	struct fake_request f = { 0 };
	struct req r;

	fake_add(&f, "KEDGE_INTERNAL=1");
	fake_add(&f, "HTTP_AUTHORIZATION=Bearer x.y.z");
	r = ask(&f, "POST", "/provision", NULL);
	ck_assert_int_eq(r.response.status, 401);
}
END_TEST

/* clang-format off */
static const struct {
	const char *url, *services, *prefix, *trusted;
} bad_configs[] = {
	{ "ftp://x", "core", "p", "" },
	{ OWN, "Core", "p", "" },
	{ OWN, "core,core", "p", "" },
	{ OWN, "auth", "p", "" },
	{ OWN, "1core", "p", "" },
	{ OWN, "co-re", "p", "" },
	{ OWN, "core", "", "" },
	{ OWN, "core", "a=b", "" },
	{ OWN, "core", "a;b", "" },
	{ OWN, "core", "p", "example.com" },
};
/* clang-format on */

START_TEST(bad_configuration_is_refused)
{
	struct auth_config bad = config;
	struct auth refused = { 0 };

	bad.url = bad_configs[_i].url;
	bad.services = bad_configs[_i].services;
	bad.cookie_prefix = bad_configs[_i].prefix;
	bad.trusted_origins = bad_configs[_i].trusted;
	ck_assert(!auth_init(&refused, &bad));
	auth_release(&refused);
}
END_TEST

START_TEST(https_makes_cookies_secure)
{
	struct auth_config https = config;
	struct auth secure = { 0 };

	https.url = "https://example.com";
	ck_assert(auth_init(&secure, &https));
	ck_assert(secure.secure);
	ck_assert_str_eq(
	    secure.session_cookie, "__Secure-better-auth.session_token");
	auth_release(&secure);
}
END_TEST

/*
 * The queue is full, so the request is refused without a query: there is no
 * database here.
 */
START_TEST(full_queue_is_refused_before_the_database_is_asked)
{
	static const char body[] =
	    "{\"name\":\"A\",\"email\":\"a@b.co\",\"password\":\"12345678\"}";
	static const char *const paths[] = { "/sign-up/email",
		"/sign-in/email" };
	struct fake_request f = { 0 };
	struct req r;

	fake_add(&f, "CONTENT_TYPE=application/json");
	r = ask(&f, "POST", paths[_i], body);
	ck_assert_int_eq(r.response.status, 503);

	hash_pool_free(auth.hashes);
	auth.hashes = new_pool(/* waiting_max= */ 0);
	f = (struct fake_request){ 0 };
	fake_add(&f, "CONTENT_TYPE=application/json");
	r = ask(&f, "POST", paths[_i], body);
	ck_assert_int_eq(r.response.status, 429);
	ck_assert_ptr_ne(strstr(body_of(&r), "TOO_MANY_SIGN_INS"), NULL);
	ck_assert_str_eq(header_of(&r, "Retry-After"), "2");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("auth_api");
	TCase *tc = tcase_create("api");

	log_init("test", LOG_ERROR);
	tcase_set_timeout(tc, 20);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(
	    tc, requests_get_the_expected_answers, 0, COUNT_OF(rows));
	tcase_add_loop_test(tc, requests_get_the_answer_for_their_origin, 0,
	    COUNT_OF(origin_rows));
	tcase_add_test(tc, other_media_types_are_refused);
	tcase_add_test(tc, form_is_accepted_for_sign_in_and_sign_up);
	tcase_add_test(tc, sign_out_clears_the_cookies);
	tcase_add_test(tc, session_data_of_another_server_is_cleared);
	tcase_add_test(
	    tc, without_a_database_the_answer_is_503_with_retry_after);
	tcase_add_test(tc, limit_answers_429_as_betterauth_does);
	tcase_add_loop_test(
	    tc, limit_counts_other_spellings_of_a_path, 0, COUNT_OF(detours));
	tcase_add_loop_test(
	    tc, limit_is_that_of_the_route, 0, COUNT_OF(counts));
	tcase_add_test(tc, attempt_without_a_wrong_password_is_not_counted);
	tcase_add_test(
	    tc, attempts_count_for_the_account_however_its_name_is_spelled);
	tcase_add_loop_test(
	    tc, verdict_without_a_session_is_401, 0, COUNT_OF(questions));
	tcase_add_loop_test(tc, verdict_that_cannot_be_found_is_503, 0, 2);
	tcase_add_loop_test(tc,
	    verdict_redirects_only_browser_navigation_to_sign_in, 0,
	    COUNT_OF(returns));
	tcase_add_loop_test(
	    tc, provision_checks_its_token, 0, COUNT_OF(tokens));
	tcase_add_test(tc, provision_is_for_signed_callers);
	tcase_add_loop_test(
	    tc, bad_configuration_is_refused, 0, COUNT_OF(bad_configs));
	tcase_add_test(tc, https_makes_cookies_secure);
	tcase_add_loop_test(
	    tc, full_queue_is_refused_before_the_database_is_asked, 0, 2);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
