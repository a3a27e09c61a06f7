/*
 * The last step of every sign-in, in which a plugin takes part, with a real
 * PostgreSQL.
 */
#include "unit.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/auth.h"
#include "auth/auth_shared.h"
#include "auth/config.h"
#include "auth/http/error.h"
#include "auth/http/gate.h"
#include "auth/http/refusal.h"
#include "auth/identity/identity.h"
#include "auth/identity/session.h"
#include "auth/password/hash_pool.h"
#include "auth/plugins.h"
#include "auth/routes.h"
#include "auth/signin/signin.h"
#include "auth_database.h"
#include "base/arena.h"
#include "base/attr.h"
#include "base/log.h"
#include "base/str.h"
#include "cache/rate_limit.h"
#include "db/db.h"
#include "fake_request.h"
#include "servers.h"

#define OWN "http://127.0.0.1:8080"
#define PERSON "\"email\":\"a@example.com\",\"password\":\"correct horse\""

enum { LEASE_MS = 60000 };

static struct arena *a;
static struct auth auth;
static struct auth_shared shared;
static struct plugin_set set;
static struct auth_config config = {
	.plugin_set = &set,
	.secret = "0123456789abcdef0123456789abcdef",
	.url = OWN,
	.trusted_origins = "",
	.cookie_prefix = "better-auth",
	.services = "core",
};
static const struct service api = {
	.name = "auth",
	.prefix = auth_prefix,
	.routes = set.routes,
	.ignores_unknown = true,
	.hooks = { .before = gate_before,
	    .screen = gate_screen,
	    .guard = gate_guard,
	    .write_error = error_answer },
	.app = &auth,
};

/*
 * The state of the test's plugin: how often each hook was called, and what each
 * hook shall return.
 */
static struct watch {
	int before, after, shown, revoked;
	enum err refuses; /* a sign-in */
	bool answers; /* the plugin answers the request itself, without a
	                 sign-in */
	enum err revoking;
	const char *token;
} watch;

static enum err
before_sign_in(struct req *r, const struct signin *in, bool *ret_answered)
{
	static const char more[] = "{\"twoFactorRedirect\":true}";

	ck_assert_str_eq(in->user->email, "a@example.com");
	watch.before++;
	if (watch.refuses != ERR_OK)
		return req_fail(r, watch.refuses, "NOT_NOW", "Not now");
	*ret_answered = watch.answers;
	if (watch.answers)
		req_answer(r, 200, "application/json", more, sizeof(more) - 1);
	return ERR_OK;
}

static void
after_sign_in(struct req *r, const struct user *user, const char *token)
{
	ck_assert_str_eq(r->user_id, user->id);
	watch.after++;
	watch.token = token;
}

static void
session_cookie(UNUSED struct req *r, const char *value)
{
	ck_assert_ptr_nonnull(strchr(value, '.'));
	watch.shown++;
}

static enum err
on_revoke(struct db *tx, struct arena *arena, const struct strings *tokens)
{
	ck_assert_ptr_nonnull(tx);
	ck_assert_ptr_nonnull(arena);
	watch.revoked += (int)tokens->count;
	return watch.revoking;
}

static const struct auth_hooks hooks = {
	.before_sign_in = before_sign_in,
	.after_sign_in = after_sign_in,
	.session_cookie = session_cookie,
	.on_revoke = on_revoke,
};
static const struct auth_claim claims[] = {
	{ "mail", "u.email", .asserted = true },
	{ "none", "NULL" },
	{ 0 },
};
static const struct auth_plugin watcher = {
	.name = "watcher",
	.claims = claims,
	.hooks = &hooks,
};

static int
sessions(void)
{
	return atoi(sql_text(a, "SELECT count(*)::text FROM session"));
}

static struct req
ask_with(struct fake_request *f, const char *path, const char *body)
{
	struct req r;

	fake_add(f, "REQUEST_METHOD=POST");
	fake_add(f, arena_printf(a, "KEDGE_PATH=/api/auth%s", path));
	fake_add(f, "CONTENT_TYPE=application/json");
	fake_add(f, arena_printf(a, "CONTENT_LENGTH=%zu", strlen(body)));
	f->body = body;
	f->body_len = strlen(body);
	fake_handle(&api, f, a, &r);
	return r;
}

static struct req
ask(const char *path, const char *body)
{
	return ask_with(&(struct fake_request){ 0 }, path, body);
}

static bool
sets_cookie(const struct req *r)
{
	for (int i = 0; i < r->response.nheaders; i++) {
		if (str_has_prefix(r->response.headers[i],
			"Set-Cookie: better-auth.session_token="))
			return true;
	}
	return false;
}

static void
setup(void)
{
	a = arena_new();
	sql("DELETE FROM \"user\"");
	sql("DELETE FROM kedge_session_host");
	memset(&auth, 0, sizeof(auth));
	memset(&shared, 0, sizeof(shared));
	watch = (struct watch){ 0 };
	ck_assert(auth_init(&auth, &config));
	auth.shared = &shared;
	auth.process.db = auth_database_open(4);
	auth.process.limit = rate_limit_new(NULL);
	hash_slots_init(&shared.slots);
	auth.hashes = hash_pool_new(&(struct hash_pool_options){
	    .slots = &shared.slots,
	    .concurrency = 1,
	    .waiting_max = 1,
	});
	lease_init(&shared.lease);
	ck_assert_int_eq(lease_renew(&shared.lease, &shared.epoch,
			     auth.process.db, a, LEASE_MS),
	    ERR_OK);
	ck_assert_int_eq(ask("/sign-up/email", "{\"name\":\"A\"," PERSON "}")
			     .response.status,
	    200);
}

static void
teardown(void)
{
	hash_pool_free(auth.hashes);
	rate_limit_free(auth.process.limit);
	db_close(auth.process.db);
	auth_release(&auth);
	arena_free(a);
}

START_TEST(sign_up_and_sign_in_tell_the_plugin)
{
	struct req r;

	/*
	 * The plugin's hook `before` is called for a sign-in, not for a
	 * sign-up.
	 */
	ck_assert_int_eq(watch.before, 0);
	ck_assert_int_eq(watch.after, 1);
	ck_assert_int_eq(watch.shown, 1);
	r = ask("/sign-in/email", "{" PERSON "}");
	ck_assert_int_eq(r.response.status, 200);
	ck_assert(sets_cookie(&r));
	ck_assert_int_eq(watch.before, 1);
	ck_assert_int_eq(watch.after, 2);
	ck_assert_int_eq(watch.shown, 2);
	ck_assert_ptr_nonnull(memmem(r.response.body, r.response.body_len,
	    watch.token, strlen(watch.token)));
	ck_assert_int_eq(sessions(), 2);
}
END_TEST

START_TEST(plugin_that_answers_instead_leaves_no_session)
{
	struct req r;

	watch.answers = true;
	r = ask("/sign-in/email", "{" PERSON "}");
	ck_assert_int_eq(r.response.status, 200);
	ck_assert_ptr_nonnull(memmem(r.response.body, r.response.body_len,
	    "twoFactorRedirect", strlen("twoFactorRedirect")));
	ck_assert(!sets_cookie(&r));
	ck_assert_int_eq(sessions(), 1);
	ck_assert_int_eq(watch.after, 1);
}
END_TEST

START_TEST(plugin_that_refuses_leaves_no_session)
{
	struct req r;

	watch.refuses = ERR_FORBIDDEN;
	r = ask("/sign-in/email", "{" PERSON "}");
	ck_assert_int_eq(r.response.status, 403);
	ck_assert(!sets_cookie(&r));
	ck_assert_int_eq(sessions(), 1);
}
END_TEST

START_TEST(plugin_is_called_only_with_a_valid_proof)
{
	struct req r;

	r = ask("/sign-in/email",
	    "{\"email\":\"a@example.com\",\"password\":\"wrong horse\"}");
	ck_assert_int_eq(r.response.status, 401);
	sql("UPDATE \"user\" SET banned = true");
	r = ask("/sign-in/email", "{" PERSON "}");
	ck_assert_int_eq(r.response.status, 403);
	ck_assert_int_eq(watch.before, 0);
}
END_TEST

static struct req
sign_out(void)
{
	struct fake_request f = { 0 };
	const char *cookie = NULL;
	struct req r = ask("/sign-in/email", "{" PERSON "}");

	for (int i = 0; i < r.response.nheaders; i++) {
		if (str_has_prefix(r.response.headers[i], "Set-Cookie: "))
			cookie = r.response.headers[i] + strlen("Set-Cookie: ");
	}
	ck_assert_ptr_nonnull(cookie);
	fake_add(&f, "HTTP_ORIGIN=" OWN);
	fake_add(&f, arena_printf(a, "HTTP_COOKIE=%.*s",
			 (int)strcspn(cookie, ";"), cookie));
	return ask_with(&f, "/sign-out", "{}");
}

START_TEST(revocation_tells_the_plugin)
{
	ck_assert_int_eq(sign_out().response.status, 200);
	ck_assert_int_eq(watch.revoked, 1);
	ck_assert_int_eq(sessions(), 1);
}
END_TEST

/*
 * The plugin's hook runs in the transaction of the revocation: if the hook
 * fails, the session stays.
 */
START_TEST(revocation_is_rolled_back_when_the_plugin_fails)
{
	watch.revoking = ERR_UNAVAILABLE;
	ck_assert_int_eq(sign_out().response.status, 503);
	ck_assert_int_eq(sessions(), 2);
}
END_TEST

START_TEST(claims_of_the_plugin_are_read_with_the_session)
{
	struct session_lookup lookup = { .arena = a, .token = watch.token };
	struct session_lookup *one = &lookup;
	struct session_claims found;

	session_look_up(&auth, &one, 1);
	ck_assert_int_eq(session_settle(&auth, one, &found), ERR_OK);
	ck_assert_str_eq(found.more[0], "a@example.com");
	ck_assert_str_eq(found.more[1], "");
}
END_TEST

/*
 * Enables two plugins: email-password, which is the first in plugins_all, and
 * the test's own.
 */
static bool
compose(void)
{
	const struct auth_plugin *const all[] = { plugins_all[0], &watcher,
		NULL };
	char problem[PLUGIN_PROBLEM_MAX];

	if (!plugin_set_compose(&set, auth_core, all,
		arena_printf(a, "%s,watcher", plugins_all[0]->name),
		offsetof(struct auth_config, plugin_config), problem)) {
		fprintf(stderr, "%s\n", problem);
		return false;
	}
	identity_compose(&set);
	plugins_all[0]->hooks->compose(&set);
	return true;
}

int
main(void)
{
	Suite *suite = suite_create("auth_signin");
	TCase *tc = tcase_create("signin");

	signal(SIGPIPE, SIG_IGN); /* services ignore SIGPIPE */
	log_init("test", LOG_ERROR);
	auth_database_start();
	a = arena_new();
	if (!compose())
		return 1;
	arena_free(a);

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, sign_up_and_sign_in_tell_the_plugin);
	tcase_add_test(tc, plugin_that_answers_instead_leaves_no_session);
	tcase_add_test(tc, plugin_that_refuses_leaves_no_session);
	tcase_add_test(tc, plugin_is_called_only_with_a_valid_proof);
	tcase_add_test(tc, revocation_tells_the_plugin);
	tcase_add_test(tc, revocation_is_rolled_back_when_the_plugin_fails);
	tcase_add_test(tc, claims_of_the_plugin_are_read_with_the_session);
	suite_add_tcase(suite, tc);

	return unit_run_here(suite, 120);
}
