#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "unit.h"

#include "app/provision.h"
#include "app/service_main.h"
#include "base/arena.h"
#include "base/attr.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/jws.h"
#include "http_client/http_client.h"
#include "web/request.h"
#include "web/service.h"

static const unsigned char key[IDENTITY_KEY_SIZE] = { 7 };

/* ----------------------------------------- a stand-in for auth, one thread */

enum { HANG = 0 };

static char dir[] = "/tmp/kedge-provision-XXXXXX";
static char socket_path[64];
static int listen_fd;
static pthread_t server;
static atomic_int calls, answer_status;
static char last_request[4096]; /* may be read when the call has ended */

static void
answer(int fd)
{
	char text[128];
	size_t len = 0;
	ssize_t n;

	do {
		n = read(
		    fd, last_request + len, sizeof(last_request) - 1 - len);
		len += n > 0 ? (size_t)n : 0;
		last_request[len] = '\0';
	} while (n > 0 && strstr(last_request, "\r\n\r\n") == NULL);

	atomic_fetch_add(&calls, 1);
	if (atomic_load(&answer_status) == HANG) {
		/* Do not answer; wait until the client gives up. */
		poll(&(struct pollfd){ .fd = fd, .events = POLLRDHUP }, 1, -1);
		return;
	}
	n = snprintf(text, sizeof(text),
	    "HTTP/1.1 %d X\r\nContent-Length: 15\r\nConnection: close\r\n\r\n"
	    "{\"status\":true}",
	    atomic_load(&answer_status));
	if (write(fd, text, (size_t)n) != n)
		abort();
}

static void *
serve(void *ctx UNUSED)
{
	int fd;

	while ((fd = accept(listen_fd, NULL, NULL)) >= 0) {
		answer(fd);
		close(fd);
	}
	return NULL;
}

static void
start_server(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	listen_fd = socket(AF_UNIX, SOCK_STREAM, 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", socket_path);
	unlink(socket_path);
	if (bind(listen_fd, (struct sockaddr *)&address, sizeof(address)) ||
	    listen(listen_fd, 64) || pthread_create(&server, NULL, serve, NULL))
		abort();
}

static void
stop_server(void)
{
	shutdown(listen_fd, SHUT_RDWR);
	pthread_join(server, NULL);
	close(listen_fd);
	unlink(socket_path);
}

/* ------------------------------------------------------------- the requests */

static atomic_int created;
static enum err create_result;
static struct auth_client auth;
static struct provision *p;

static enum err
create(struct req *r)
{
	ck_assert_ptr_nonnull(r->identity);
	atomic_fetch_add(&created, 1);
	return create_result;
}

static void
set_up(void)
{
	http_client_init();
	atomic_store(&calls, 0);
	atomic_store(&created, 0);
	atomic_store(&answer_status, 200);
	create_result = ERR_OK;
	start_server();
	auth = (struct auth_client){
		.service = "core",
		.key = key,
		.url = "http://auth.internal",
		.prefix = "/identity/",
		.socket = socket_path,
	};
	p = provision_new(&(struct provision_options){
	    .auth = &auth,
	    .create = create,
	});
}

static void
tear_down(void)
{
	provision_free(p);
	stop_server();
}

static enum err
contact_with(const char *user_id, struct strings accounts)
{
	struct identity who = {
		.user_id = user_id, .session_id = "s", .accounts = accounts
	};
	struct req r = {
		.arena = arena_new(),
		.identity = &who,
		.request_id = "0123456789abcdef",
		.trace_id = "4bf92f3577b34da6a3ce929d0e0e4736",
		.trace_flags = "01",
	};
	enum err e = provision_ensure(p, &r);

	arena_free(r.arena);
	return e;
}

static enum err
contact(const char *user_id)
{
	static const char *const others[] = { "wallet", "cores", "cor" };

	return contact_with(
	    user_id, (struct strings){ others, COUNT_OF(others) });
}

START_TEST(ensure_with_the_account_does_nothing)
{
	static const char *const core[] = { "wallet", "core" };

	ck_assert_int_eq(
	    contact_with("alice", (struct strings){ core, 2 }), ERR_OK);
	ck_assert_int_eq(created, 0);
	ck_assert_int_eq(calls, 0);
}
END_TEST

START_TEST(ensure_tells_auth_whom_and_by_whom)
{
	struct arena *a = arena_new();
	const char *start, *end;
	const struct json *claims;
	int64_t iat, exp, now_s = clock_now_ms() / 1000;

	ck_assert_int_eq(contact("al\"ice"), ERR_OK);
	ck_assert_int_eq(created, 1);
	ck_assert_int_eq(calls, 1);
	ck_assert_ptr_nonnull(
	    strstr(last_request, "POST /identity/provision HTTP/1.1\r\n"));

	ck_assert_ptr_nonnull(
	    strstr(last_request, "\r\nX-Request-Id: 0123456789abcdef\r\n"));
	ck_assert_ptr_nonnull(strstr(last_request,
	    "\r\ntraceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-"));

	start = strstr(last_request, "Authorization: Bearer ");
	ck_assert_ptr_nonnull(start);
	start += strlen("Authorization: Bearer ");
	end = strchr(start, '\r');
	claims = jws_verify(a, key, sizeof(key),
	    arena_strndup(a, start, (size_t)(end - start)));
	ck_assert_ptr_nonnull(claims);
	ck_assert_str_eq(json_member_string(claims, "iss"), "core");
	ck_assert_str_eq(json_member_string(claims, "aud"), "auth");
	ck_assert_str_eq(json_member_string(claims, "sub"), "al\"ice");
	ck_assert(json_member_int(claims, "iat", &iat));
	ck_assert(json_member_int(claims, "exp", &exp));
	ck_assert_int_ge(iat, now_s);
	ck_assert_int_le(exp - iat, 60);
	arena_free(a);
}
END_TEST

START_TEST(ensure_again_soon_does_nothing)
{
	for (int i = 0; i < 20; i++)
		ck_assert_int_eq(contact("alice"), ERR_OK);
	ck_assert_int_eq(created, 1);
	ck_assert_int_eq(calls, 1);
	ck_assert_int_eq(contact("bob"), ERR_OK);
	ck_assert_int_eq(calls, 2);
}
END_TEST

/*
 * There are more users than the table has room for: a forgotten user only costs
 * another call of auth.
 */
START_TEST(ensure_with_a_full_table_of_users_succeeds)
{
	char user[32];

	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 3000; i++) {
			snprintf(user, sizeof(user), "user-%d", i);
			ck_assert_int_eq(contact(user), ERR_OK);
		}
	}
	ck_assert_int_ge(calls, 3000);
	ck_assert_int_eq(calls, created);
}
END_TEST

START_TEST(ensure_without_record_fails_and_tells_nobody)
{
	create_result = ERR_UNAVAILABLE;
	ck_assert_int_eq(contact("alice"), ERR_UNAVAILABLE);
	ck_assert_int_eq(calls, 0);
	create_result = ERR_OK;
	ck_assert_int_eq(contact("alice"), ERR_OK);
	ck_assert_int_eq(calls, 1);
}
END_TEST

static void
wait_ms(int ms)
{
	poll(NULL, 0, ms);
}

/*
 * When auth fails in any of these ways, the user's request is answered, and
 * auth is called again later.
 */
static const int failures[] = { 500, 503, 401, 429, HANG };

START_TEST(ensure_while_auth_fails_tells_again_later)
{
	int before;

	atomic_store(&answer_status, failures[_i]);
	ck_assert_int_eq(contact("alice"), ERR_OK);
	ck_assert_int_eq(calls, 1);
	/*
	 * Requests create their records although auth is not called during the
	 * back-off.
	 */
	ck_assert_int_eq(contact("alice"), ERR_OK);
	ck_assert_int_eq(contact("bob"), ERR_OK);
	ck_assert_int_eq(calls, 1);
	ck_assert_int_eq(created, 3);

	atomic_store(&answer_status, 200);
	wait_ms(PROVISION_BACKOFF_MIN_MS + 50);
	ck_assert_int_eq(contact("alice"), ERR_OK);
	ck_assert_int_eq(contact("bob"), ERR_OK);
	ck_assert_int_eq(calls, 3);
	before = created;
	ck_assert_int_eq(contact("alice"), ERR_OK);
	ck_assert_int_eq(contact("bob"), ERR_OK);
	ck_assert_int_eq(calls, 3);
	ck_assert_int_eq(created, before);
}
END_TEST

START_TEST(ensure_of_a_deleted_user_is_not_repeated)
{
	atomic_store(&answer_status, 404);
	ck_assert_int_eq(contact("alice"), ERR_OK);
	ck_assert_int_eq(contact("alice"), ERR_OK);
	ck_assert_int_eq(calls, 1);
	ck_assert_int_eq(contact("bob"), ERR_OK);
	ck_assert_int_eq(calls, 2);
}
END_TEST

START_TEST(ensure_succeeds_when_nobody_listens)
{
	stop_server();
	ck_assert_int_eq(contact("alice"), ERR_OK);
	ck_assert_int_eq(created, 1);
	start_server();
}
END_TEST

static void *
contact_once(void *ctx)
{
	ck_assert_int_eq(contact(ctx), ERR_OK);
	return NULL;
}

START_TEST(fifty_first_contacts_tell_once)
{
	static char alice[] = "alice";
	pthread_t threads[50];

	for (int i = 0; i < 50; i++)
		pthread_create(&threads[i], NULL, contact_once, alice);
	for (int i = 0; i < 50; i++)
		pthread_join(threads[i], NULL);
	ck_assert_int_eq(calls, 1);
	ck_assert_int_ge(created, 1);
}
END_TEST

START_TEST(fifty_first_contacts_wait_once_when_auth_does_not_answer)
{
	static char users[50][8];
	int64_t start_us = clock_monotonic_us();
	pthread_t threads[50];

	atomic_store(&answer_status, HANG);
	for (int i = 0; i < 50; i++) {
		snprintf(users[i], sizeof(users[i]), "u%d", i);
		pthread_create(&threads[i], NULL, contact_once, users[i]);
	}
	for (int i = 0; i < 50; i++)
		pthread_join(threads[i], NULL);
	/* The 50 requests waited in parallel, not one after the other. */
	ck_assert_int_lt(clock_monotonic_us() - start_us,
	    50 / 2 * PROVISION_TIMEOUT_MS * 1000);
	ck_assert_int_eq(created, 50);
	/*
	 * A new server is started, since calls that clients gave up are still
	 * queued in the old one.
	 */
	stop_server();
	start_server();
	atomic_store(&answer_status, 200);
	wait_ms(PROVISION_BACKOFF_MIN_MS + 50);
	atomic_store(&calls, 0);
	ck_assert_int_eq(contact("u0"), ERR_OK);
	ck_assert_int_eq(contact("u0"), ERR_OK);
	ck_assert_int_eq(calls, 1);
}
END_TEST

START_TEST(guard_leaves_routes_without_record_alone)
{
	static const struct route whoami = { .flags = ROUTE_NO_RECORD };
	static const struct route me = { 0 };
	static const struct service_program program = { .create_record =
							    create };
	struct service_process process = { .program = &program,
		.provision = p };
	struct identity who = { .user_id = "alice", .session_id = "s" };
	struct req r = { .arena = arena_new(),
		.app = &process,
		.identity = &who,
		.route = &whoami };

	ck_assert_int_eq(service_ensure_record(&r), ERR_OK);
	ck_assert_int_eq(created, 0);
	r.route = &me;
	/* A route without a guard: its requests have no identity. */
	r.identity = NULL;
	ck_assert_int_eq(service_ensure_record(&r), ERR_OK);
	ck_assert_int_eq(created, 0);
	r.identity = &who;
	ck_assert_int_eq(service_ensure_record(&r), ERR_OK);
	ck_assert_int_eq(created, 1);
	arena_free(r.arena);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("provision");
	TCase *tc = tcase_create("provision");
	int nfailed;

	if (mkdtemp(dir) == NULL)
		return 1;
	snprintf(socket_path, sizeof(socket_path), "%s/auth.sock", dir);

	tcase_set_timeout(tc, 30);
	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, ensure_with_the_account_does_nothing);
	tcase_add_test(tc, ensure_tells_auth_whom_and_by_whom);
	tcase_add_test(tc, ensure_again_soon_does_nothing);
	tcase_add_test(tc, ensure_with_a_full_table_of_users_succeeds);
	tcase_add_test(tc, ensure_without_record_fails_and_tells_nobody);
	tcase_add_loop_test(tc, ensure_while_auth_fails_tells_again_later, 0,
	    (int)COUNT_OF(failures));
	tcase_add_test(tc, ensure_of_a_deleted_user_is_not_repeated);
	tcase_add_test(tc, ensure_succeeds_when_nobody_listens);
	tcase_add_test(tc, fifty_first_contacts_tell_once);
	tcase_add_test(
	    tc, fifty_first_contacts_wait_once_when_auth_does_not_answer);
	tcase_add_test(tc, guard_leaves_routes_without_record_alone);
	suite_add_tcase(suite, tc);
	nfailed = unit_run(suite);
	rmdir(dir);
	return nfailed;
}
