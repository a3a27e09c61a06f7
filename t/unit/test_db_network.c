#include <arpa/inet.h>
#include <libpq-fe.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "unit.h"

#include "base/arena.h"
#include "base/attr.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/resolve.h"
#include "db/db.h"
#include "db/db_connector.h"
#include "db/db_url.h"
#include "proxy.h"
#include "servers.h"

enum { STATEMENT_TIMEOUT_MS = 1000 };

static struct arena *a;

static const struct db_stmt select_one = {
	.name = "select_one",
	.sql = "SELECT 1",
	.read_only = true,
};

static void
set_up(void)
{
	a = arena_new();
}

static void
tear_down(void)
{
	arena_free(a);
}

static int64_t
elapsed_ms(int64_t since_us)
{
	return (clock_monotonic_us() - since_us) / 1000;
}

static const char *proxy_url;
static int proxy_port;

static struct db *
open_at(const char *at, int64_t connections)
{
	return db_open(&(struct db_options){
	    .url = at,
	    .application_name = "test_db",
	    .connections = connections,
	    .acquire_timeout_ms = 300,
	    .statement_timeout_ms = STATEMENT_TIMEOUT_MS,
	});
}

static struct db *
open_proxied(int64_t connections)
{
	return open_at(proxy_url, connections);
}

START_TEST(open_through_what_drops_options_is_refused)
{
	struct db *pooled = open_proxied(1);

	proxy_drop_options(true);
	ck_assert_int_eq(
	    db_run(pooled, a, &select_one, DB_NO_ARGS, NULL), ERR_UNAVAILABLE);
	proxy_drop_options(false);
	while (!db_ready(pooled))
		usleep(1000);
	db_close(pooled);
}
END_TEST

/* -- networks -- */

struct depth {
	struct db *db;
	int left;
};

/*
 * Opens `left` connections of the pool at the same time: each transaction
 * begins the next one.
 */
static enum err
go_deeper(struct db *tx, struct arena *arena, void *ctx)
{
	struct depth *depth = ctx;
	enum err e = db_run(tx, arena, &select_one, DB_NO_ARGS, NULL);

	if (e == ERR_OK && --depth->left > 0)
		e = db_transact(depth->db, arena, go_deeper, depth);
	return e;
}

START_TEST(run_after_silence_fails_once)
{
	struct depth depth = { .db = open_proxied(4), .left = 4 };

	ck_assert_int_eq(db_transact(depth.db, a, go_deeper, &depth), ERR_OK);
	proxy_silence();
	ck_assert_int_eq(db_run(depth.db, a, &select_one, DB_NO_ARGS, NULL),
	    ERR_UNAVAILABLE);
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(
		    db_run(depth.db, a, &select_one, DB_NO_ARGS, NULL), ERR_OK);
	db_close(depth.db);
}
END_TEST

START_TEST(run_after_read_only_server_leaves_its_other_connections)
{
	static const struct db_stmt write_read_only = {
		.name = "write_read_only",
		.sql = "SELECT set_config('transaction_read_only', 'on', true),"
		       " nextval('taken')",
	};
	static const struct db_stmt create = {
		.name = "create",
		.sql = "CREATE SEQUENCE taken",
	};
	struct depth depth = { .db = open_proxied(3), .left = 3 };

	ck_assert_int_eq(
	    db_run(depth.db, a, &create, DB_NO_ARGS, NULL), ERR_OK);
	ck_assert_int_eq(db_transact(depth.db, a, go_deeper, &depth), ERR_OK);
	ck_assert_int_eq(
	    db_run(depth.db, a, &write_read_only, DB_NO_ARGS, NULL),
	    ERR_UNAVAILABLE);
	proxy_silence(); /* the host behind the proxy gets no new connections */
	ck_assert_int_eq(
	    db_run(depth.db, a, &select_one, DB_NO_ARGS, NULL), ERR_OK);
	db_close(depth.db);
}
END_TEST

/*
 * Opens a port whose connections wait in the kernel's queue and are never
 * accepted.
 */
static int
make_black_hole(int *ret_port)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	ck_assert_int_eq(listen(fd, 64), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&in, &len), 0);
	*ret_port = ntohs(in.sin_port);
	return fd;
}

static int
count_taken(int fd)
{
	int n = 0, one;

	while ((one = accept(fd, NULL, NULL)) >= 0) {
		close(one);
		n++;
	}
	return n;
}

static const struct {
	const char *before, *between, *after;
} black_hole_urls[] = {
	{ "host=127.0.0.1,127.0.0.1 port=", ",",
	    " user=kedge dbname=postgres" },
	{ "postgresql://kedge@127.0.0.1:", ",127.0.0.1:", "/postgres" },
	{ "host=a,b hostaddr=127.0.0.1,127.0.0.1 port=", ",",
	    " user=kedge dbname=postgres" },
};

START_TEST(open_when_the_first_host_swallows)
{
	int black_port;
	int fd = make_black_hole(&black_port);
	struct depth depth = { .left = 4 };

	depth.db =
	    open_at(arena_printf(a, "%s%d%s%d%s", black_hole_urls[_i].before,
			black_port, black_hole_urls[_i].between, proxy_port,
			black_hole_urls[_i].after),
		4);
	ck_assert_int_eq(
	    db_run(depth.db, a, &select_one, DB_NO_ARGS, NULL), ERR_OK);
	ck_assert_int_ge(count_taken(fd), 1);
	/* Further connections are tried first at the host that worked last. */
	ck_assert_int_eq(db_transact(depth.db, a, go_deeper, &depth), ERR_OK);
	ck_assert_int_eq(count_taken(fd), 0);
	db_close(depth.db);
	close(fd);
}
END_TEST

START_TEST(open_of_no_host_that_answers_is_bounded)
{
	int black_port;
	int fd = make_black_hole(&black_port);
	int64_t start_us = clock_monotonic_us();
	struct db *none =
	    open_at(arena_printf(a, "host=127.0.0.1 port=%d", black_port), 1);

	ck_assert_int_eq(
	    db_run(none, a, &select_one, DB_NO_ARGS, NULL), ERR_UNAVAILABLE);
	ck_assert_int_lt(elapsed_ms(start_us), 3 * DB_CONNECT_TIMEOUT_MS);
	db_close(none);
	close(fd);
}
END_TEST

static pthread_mutex_t name_server = PTHREAD_MUTEX_INITIALIZER;

static int
look_up_slowly(UNUSED const char *host, const char *port,
    const struct addrinfo *hints, struct addrinfo **ret_list)
{
	pthread_mutex_lock(&name_server);
	pthread_mutex_unlock(&name_server);
	return getaddrinfo("127.0.0.1", port, hints, ret_list);
}

START_TEST(open_while_no_name_server_answers_is_bounded)
{
	struct db *named =
	    open_at(arena_printf(a,
			"host=db.example port=%d user=kedge dbname=postgres",
			proxy_port),
		1);

	resolve_replace_lookup(look_up_slowly);
	pthread_mutex_lock(&name_server);
	/* The call returns although the name server has not answered. */
	ck_assert_int_eq(
	    db_run(named, a, &select_one, DB_NO_ARGS, NULL), ERR_UNAVAILABLE);
	pthread_mutex_unlock(&name_server);
	while (!db_ready(named))
		usleep(1000);
	db_close(named);
	resolve_forget_all();
	resolve_replace_lookup(NULL);
}
END_TEST

START_TEST(connect_asks_the_kernel_to_notice_silence)
{
	static const struct {
		int level, option, value;
	} rows[] = {
		{ SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, 30 },
		{ IPPROTO_TCP, TCP_KEEPINTVL, 5 },
		{ IPPROTO_TCP, TCP_KEEPCNT, 3 },
		{ IPPROTO_TCP, TCP_USER_TIMEOUT, 3000 },
	};
	char reason[DB_REASON_SIZE];
	struct db_connector *c = db_connector_new(&(struct db_options){
	    .url = proxy_url,
	    .statement_timeout_ms = STATEMENT_TIMEOUT_MS,
	});
	PGconn *pg = db_connector_connect(c, reason);

	ck_assert_ptr_nonnull(pg);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		int value = 0;
		socklen_t len = sizeof(value);

		ck_assert_int_eq(getsockopt(PQsocket(pg), rows[i].level,
				     rows[i].option, &value, &len),
		    0);
		ck_assert_int_eq(value, rows[i].value);
	}
	PQfinish(pg);
	db_connector_free(c);
}
END_TEST

static const char *const good_urls[] = { "", "dbname=x",
	"host=/run/pg user=u password='a@b/c'", "host=a,b port=1,2 user=u",
	"hostaddr=127.0.0.1,::1 user=u", "postgresql://", "postgres://h",
	"postgresql://u@h", "postgresql://u:p@h/d",
	"postgresql://u:p@h:5432,h2:65535/d?target_session_attrs=read-write",
	"postgresql://u:p%40%2F%3F@[::1]:5432/d", "postgresql://u:a:b@h/d",
	"postgresql://u:p#q@h/d", "postgresql://u@/d?host=%2Frun%2Fpg",
	"postgresql://u@/d?host=/run/pg", "postgresql://u@/d?host=@abstract",
	"postgresql://u@h/d?options=-c%20work_mem%3D1MB" };

START_TEST(take_good_url)
{
	const char *problem = db_url_problem(good_urls[_i]);

	ck_assert_ptr_null(problem);
}
END_TEST

/* Each string has "secret" as a password or as a part of it. */
static const char *const bad_urls[] = { "no such = secret",
	"host=h password=a secret", "host=h port=secret", "port=0",
	"port=65536", "host='a b'", "hostaddr=secret", "host=secret@h",
	"postgresql://u:p@secret@h/d", "postgresql://u:p/secret@h/d",
	"postgresql://u:5432/secret@h/d", "postgresql://u:5432/secret@h:1/d",
	"postgresql://u:p?secret@h/d", "postgresql://u:p?host=secret@h/d",
	"postgresql://u:p%secret@h/d", "postgresql://u:p@h/d/secret",
	"postgresql://u:p@h:secret/d", "postgresql://u:p@h/d@secret",
	"postgresql://u/secret:p@h/d", "postgresql://u:secret@h h/d",
	"postgresql://secret"
	"?nonsense=1" };

START_TEST(refuse_bad_url_without_quoting_it)
{
	const char *problem = db_url_problem(bad_urls[_i]);

	ck_assert_ptr_nonnull(problem);
	ck_assert_ptr_null(strstr(problem, "secret"));
}
END_TEST

static Suite *
make_suite(void)
{
	Suite *s = suite_create("db_network");
	TCase *tc = tcase_create("network");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, open_through_what_drops_options_is_refused);
	tcase_add_test(tc, run_after_silence_fails_once);
	tcase_add_test(
	    tc, run_after_read_only_server_leaves_its_other_connections);
	tcase_add_loop_test(tc, open_when_the_first_host_swallows, 0,
	    (int)COUNT_OF(black_hole_urls));
	tcase_add_test(tc, open_of_no_host_that_answers_is_bounded);
	tcase_add_test(tc, open_while_no_name_server_answers_is_bounded);
	tcase_add_test(tc, connect_asks_the_kernel_to_notice_silence);
	tcase_add_loop_test(tc, take_good_url, 0, (int)COUNT_OF(good_urls));
	tcase_add_loop_test(
	    tc, refuse_bad_url_without_quoting_it, 0, (int)COUNT_OF(bad_urls));
	suite_add_tcase(s, tc);
	return s;
}

static void
start_proxy(void)
{
	static char text[128];

	proxy_port = proxy_start(servers_path("pg/.s.PGSQL.5432"));
	snprintf(text, sizeof(text),
	    "host=127.0.0.1 port=%d user=kedge dbname=postgres", proxy_port);
	proxy_url = text;
}

int
main(void)
{
	int failed;

	log_init("test_db_network", LOG_ERROR);
	metrics_open(-1);
	servers_start_postgres();
	start_proxy();
	failed = unit_run_here(make_suite(), 180);
	proxy_stop();
	return failed;
}
