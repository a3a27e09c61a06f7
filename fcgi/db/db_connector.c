#include "db/db_connector.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/str.h"
#include "db/db_address.h"
#include "db/db_stmt.h"
#include "db/db_url.h"

enum {
	ADDRESS_TIMEOUT_MIN_MS = 400,
	IDLE_TX_MIN_MS = 10000,
	OPTIONS_SIZE = 1024,
	KEYWORDS_MAX = 96,
};

struct db_connector {
	struct db_options options; /* copied, with their texts */
	pthread_mutex_t mutex; /* protects the members below */
	struct db_address good; /* the server of the last successful attempt */
	bool has_good;
};

void
db_reason_copy(char reason[DB_REASON_SIZE], const char *text)
{
	size_t len;

	str_copy(reason, DB_REASON_SIZE, text == NULL ? "" : text);
	for (char *c = reason; *c != '\0'; c++)
		if (*c == '\n' || *c == '\t')
			*c = ' ';
	len = strlen(reason);
	while (len > 0 && reason[len - 1] == ' ')
		reason[--len] = '\0';
}

static char *
copy_text(const char *s)
{
	char *copy = strdup(s == NULL ? "" : s);

	if (copy == NULL)
		abort();
	return copy;
}

struct db_connector *
db_connector_new(const struct db_options *options)
{
	struct db_connector *c = calloc(1, sizeof(*c));

	assert(options->statement_timeout_ms > 0);
	if (c == NULL || pthread_mutex_init(&c->mutex, NULL) != 0)
		abort();
	c->options = *options;
	c->options.url = copy_text(options->url);
	c->options.application_name = copy_text(options->application_name);
	return c;
}

void
db_connector_free(struct db_connector *c)
{
	if (c == NULL)
		return;
	pthread_mutex_destroy(&c->mutex);
	free((char *)c->options.url);
	free((char *)c->options.application_name);
	free(c);
}

const struct db_options *
db_connector_options(const struct db_connector *c)
{
	return &c->options;
}

/* -- the settings of a session -- */

/*
 * Settings that every session needs.  They are sent in the startup packet,
 * where they take precedence over the settings of the server, the database and
 * the role.  Otherwise a role could change its own settings for all later
 * sessions, and without synchronous_commit a crash of the server would lose
 * acknowledged transactions.  (jit helps only queries that run for seconds.)
 */
#define HELD_SYNCHRONOUS_COMMIT "on"
#define HELD_SEARCH_PATH "public,pg_temp"
static const char held_options[] =
    " -c synchronous_commit=" HELD_SYNCHRONOUS_COMMIT
    " -c search_path=" HELD_SEARCH_PATH
    " -c default_transaction_isolation=read\\ committed"
    " -c standard_conforming_strings=on -c transform_null_equals=off"
    " -c bytea_output=hex -c intervalstyle=postgres -c lock_timeout=0"
    " -c timezone=UTC -c datestyle=ISO -c jit=off";

int64_t
db_connector_idle_ms(int64_t statement_timeout_ms)
{
	int64_t idle_ms = statement_timeout_ms * 2;

	return idle_ms < IDLE_TX_MIN_MS ? IDLE_TX_MIN_MS : idle_ms;
}

/*
 * Appends these settings to the `options` of the URL: for a setting that occurs
 * twice, the later value counts.
 */
static bool
write_session_options(const struct db_options *o, const char *own,
    char out[OPTIONS_SIZE], char reason[DB_REASON_SIZE])
{
	int n;

	n = snprintf(out, OPTIONS_SIZE,
	    "%s -c statement_timeout=%lld"
	    " -c idle_in_transaction_session_timeout=%lld%s",
	    own == NULL ? "" : own, (long long)o->statement_timeout_ms,
	    (long long)db_connector_idle_ms(o->statement_timeout_ms),
	    held_options);
	if (n < 0 || n >= OPTIONS_SIZE) {
		db_reason_copy(reason, "the options of the URL are too long");
		return false;
	}
	return true;
}

/*
 * A connection pooler between this process and the server may drop the options
 * of the startup packet, and the settings in them.
 */
const char *
db_connector_check_session(
    const char *synchronous_commit, const char *search_path)
{
	if (str_eq(synchronous_commit, HELD_SYNCHRONOUS_COMMIT) &&
	    str_eq(search_path, HELD_SEARCH_PATH))
		return NULL;
	return "the session lacks the options that it was opened with: "
	       "something between the service and PostgreSQL drops them";
}

/* -- where to connect -- */

static bool
is_same(const struct db_address *a, const struct db_address *b)
{
	return strcmp(a->host, b->host) == 0 &&
	       strcmp(a->hostaddr, b->hostaddr) == 0 &&
	       strcmp(a->port, b->port) == 0;
}

/* Moves the server of the last successful attempt to the front of the list. */
static void
put_good_first(struct db_connector *c, struct db_addresses *all)
{
	struct db_address good;
	bool has_good;

	pthread_mutex_lock(&c->mutex);
	has_good = c->has_good;
	good = c->good;
	pthread_mutex_unlock(&c->mutex);
	for (int i = 1; has_good && i < all->count; i++) {
		if (!is_same(&all->items[i], &good))
			continue;
		memmove(&all->items[1], &all->items[0],
		    (size_t)i * sizeof(all->items[0]));
		all->items[0] = good;
		return;
	}
}

static void
note_good(struct db_connector *c, const struct db_address *a)
{
	pthread_mutex_lock(&c->mutex);
	c->good = *a;
	c->has_good = true;
	pthread_mutex_unlock(&c->mutex);
}

/* -- connecting -- */

struct keywords {
	const char *names[KEYWORDS_MAX + 1];
	const char *values[KEYWORDS_MAX + 1];
	int count;
};

static void
put(struct keywords *k, const char *name, const char *value)
{
	if (value == NULL || value[0] == '\0')
		return;
	assert(k->count < KEYWORDS_MAX);
	k->names[k->count] = name;
	k->values[k->count++] = value;
}

/*
 * For a keyword that is given twice, libpq uses the last value.  So our values
 * before those of the URL are defaults, and our values after them take
 * precedence.  The keepalive settings: a server that disappears without closing
 * the connection is noticed within 45 s on an idle connection, and within 3 s
 * if it does not acknowledge sent data.
 */
static void
fill_keywords(struct keywords *k, const struct db_options *o,
    const PQconninfoOption *url, const struct db_address *a,
    const char *options)
{
	put(k, "gssencmode", "disable");
	put(k, "application_name", o->application_name);
	put(k, "keepalives_idle", "30");
	put(k, "keepalives_interval", "5");
	put(k, "keepalives_count", "3");
	put(k, "tcp_user_timeout", "3000");
	for (; url->keyword != NULL; url++)
		if (!str_eq(url->keyword, "host") &&
		    !str_eq(url->keyword, "hostaddr") &&
		    !str_eq(url->keyword, "port"))
			put(k, url->keyword, url->val);
	put(k, "host", a->host);
	put(k, "hostaddr", a->hostaddr);
	put(k, "port", a->port);
	put(k, "client_encoding", "UTF8");
	put(k, "options", options);
}

/*
 * Waits until the socket has one of the `events` of poll(2).  Returns false at
 * the deadline (then *ret_late is true), or when the socket is unusable.
 */
static bool
wait_for_server(PGconn *pg, short events, int64_t deadline_us, bool *ret_late)
{
	struct pollfd p = { .fd = PQsocket(pg), .events = events };

	for (;;) {
		int64_t left_us = deadline_us - clock_monotonic_us();
		int n;

		*ret_late = left_us <= 0;
		if (p.fd < 0 || left_us <= 0)
			return false;
		n = poll(&p, 1, (int)((left_us + 999) / 1000));
		if (n > 0)
			return true;
		if (n < 0 && errno != EINTR)
			return false;
	}
}

static bool
finish_connecting(PGconn *pg, int64_t deadline_us, char reason[DB_REASON_SIZE])
{
	PostgresPollingStatusType want = PGRES_POLLING_WRITING;
	bool late = false;

	if (PQstatus(pg) == CONNECTION_BAD)
		want = PGRES_POLLING_FAILED;
	while (want == PGRES_POLLING_READING || want == PGRES_POLLING_WRITING) {
		if (!wait_for_server(pg,
			want == PGRES_POLLING_READING ? POLLIN : POLLOUT,
			deadline_us, &late))
			break;
		want = PQconnectPoll(pg);
	}
	if (want == PGRES_POLLING_OK)
		return true;
	if (late)
		snprintf(reason, DB_REASON_SIZE,
		    "no connection in time to \"%.200s\"", PQhost(pg));
	else
		db_reason_copy(reason, PQerrorMessage(pg));
	return false;
}

/*
 * Notices are for interactive users; without this function libpq prints them.
 */
static void
ignore_notice(void *arg, const char *message)
{
	(void)arg;
	(void)message;
}

static PGconn *
connect_to(const struct db_connector *c, const PQconninfoOption *url,
    const struct db_address *a, const char *options, int64_t timeout_ms,
    char reason[DB_REASON_SIZE])
{
	int64_t deadline_us = clock_monotonic_us() + timeout_ms * 1000;
	struct keywords k = { .count = 0 };
	PGconn *pg;

	fill_keywords(&k, &c->options, url, a, options);
	pg = PQconnectStartParams(k.names, k.values, /* expand_dbname= */ 0);
	if (pg == NULL)
		abort();
	PQsetNoticeProcessor(pg, ignore_notice, NULL);
	if (finish_connecting(pg, deadline_us, reason))
		return pg;
	PQfinish(pg);
	return NULL;
}

static PGconn *
connect_to_first(struct db_connector *c, const PQconninfoOption *url,
    char reason[DB_REASON_SIZE])
{
	char options[OPTIONS_SIZE];
	struct db_addresses all;
	PGconn *pg = NULL;
	int64_t each_ms;

	if (!write_session_options(&c->options,
		db_address_option(url, "options"), options, reason))
		return NULL;
	db_addresses_find(url, &all, reason, DB_REASON_SIZE);
	put_good_first(c, &all);
	each_ms = DB_CONNECT_TIMEOUT_MS / (all.count > 0 ? all.count : 1);
	if (each_ms < ADDRESS_TIMEOUT_MIN_MS)
		each_ms = ADDRESS_TIMEOUT_MIN_MS;
	for (int i = 0; pg == NULL && i < all.count; i++) {
		pg =
		    connect_to(c, url, &all.items[i], options, each_ms, reason);
		if (pg != NULL)
			note_good(c, &all.items[i]);
	}
	return pg;
}

PGconn *
db_connector_connect(struct db_connector *c, char reason[DB_REASON_SIZE])
{
	const char *problem = db_url_problem(c->options.url);
	PQconninfoOption *url;
	PGconn *pg;

	if (problem != NULL) {
		db_reason_copy(reason, problem);
		return NULL;
	}
	url = PQconninfoParse(c->options.url, /* errmsg= */ NULL);
	if (url == NULL)
		abort(); /* cannot fail: it was parsed successfully before */
	pg = connect_to_first(c, url, reason);
	PQconninfoFree(url);
	return pg;
}
