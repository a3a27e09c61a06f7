#include "db/db_listen.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "db/db_conn.h"
#include "db/db_error.h"
#include "db/log_events.h"

enum {
	FDS_MAX = 6,
	CHANNELS_MAX = 4,
	BACKOFF_MIN_MS = 100,
	BACKOFF_MAX_MS = 1000,
	SQL_SIZE = 100,
};

struct db_listen {
	struct db_connector *connector;
	const char *channels[CHANNELS_MAX + 1];
	struct db_conn *conn; /* NULL: not connected */
	bool fresh; /* connected, and the caller has not been told yet */
	PGnotify *next; /* received, but not yet returned to the caller */
	int64_t backoff_ms; /* 0: the last attempt to connect succeeded */
	int64_t retry_at_us;
};

struct db_listen *
db_listen_open(const struct db_options *options, const char *const *channels)
{
	struct db_listen *l = calloc(1, sizeof(*l));

	if (l == NULL)
		abort();
	l->connector = db_connector_new(options);
	for (int i = 0; channels[i] != NULL; i++) {
		assert(i < CHANNELS_MAX);
		l->channels[i] = channels[i];
	}
	return l;
}

static void
drop(struct db_listen *l)
{
	PQfreemem(l->next);
	l->next = NULL;
	db_conn_close(l->conn);
	l->conn = NULL;
}

void
db_listen_close(struct db_listen *l)
{
	if (l == NULL)
		return;
	drop(l);
	db_connector_free(l->connector);
	free(l);
}

/* -- connecting -- */

static void
back_off(struct db_listen *l)
{
	l->backoff_ms = l->backoff_ms == 0 ? BACKOFF_MIN_MS : l->backoff_ms * 2;
	if (l->backoff_ms > BACKOFF_MAX_MS)
		l->backoff_ms = BACKOFF_MAX_MS;
	l->retry_at_us = clock_monotonic_us() + l->backoff_ms * 1000;
}

static bool
listen_on(struct db_listen *l, const char *channel)
{
	char sql[SQL_SIZE];
	PGresult *result;
	enum db_outcome outcome;
	int n = snprintf(sql, sizeof(sql), "LISTEN %s", channel);

	assert(n > 0 && n < SQL_SIZE);
	outcome = db_conn_command(l->conn, sql, &result);
	if (outcome != DB_DONE)
		db_error_log("LISTEN", l->conn, outcome, result);
	PQclear(result);
	return outcome == DB_DONE;
}

static bool
listen_on_all(struct db_listen *l)
{
	for (int i = 0; l->channels[i] != NULL; i++) {
		if (!listen_on(l, l->channels[i]))
			return false;
	}
	return true;
}

/*
 * Connects.  If several attempts in a row fail, only the first failure is
 * logged.
 */
static bool
connect_now(struct db_listen *l)
{
	char reason[DB_REASON_SIZE];

	l->conn = db_conn_open(l->connector, reason);
	if (l->conn == NULL) {
		if (l->backoff_ms == 0)
			log_event(LOG_WARN, EVENT_LISTENER_CONNECT_FAILED,
			    LOG_TEXT("error", reason));
		back_off(l);
		return false;
	}
	if (!listen_on_all(l)) {
		drop(l);
		back_off(l);
		return false;
	}
	l->backoff_ms = 0;
	l->fresh = true;
	return true;
}

static bool
is_connected(struct db_listen *l)
{
	if (l->conn != NULL && !db_conn_is_alive(l->conn)) {
		log_event(LOG_WARN, EVENT_LISTENER_CONNECTION_LOST);
		drop(l);
	}
	if (l->conn != NULL)
		return true;
	return clock_monotonic_us() >= l->retry_at_us && connect_now(l);
}

/* -- statements -- */

static void
clear_result(void *result)
{
	PQclear(result);
}

static enum err
settle(struct db_listen *l, struct arena *a, const struct db_stmt *stmt,
    enum db_outcome outcome, PGresult *result, struct db_rows *ret_rows)
{
	enum err e = db_error(outcome, result);

	if (e != ERR_OK) {
		db_error_log(stmt->name, l->conn, outcome, result);
		PQclear(result);
		return e;
	}
	if (ret_rows == NULL) {
		PQclear(result);
		return ERR_OK;
	}
	arena_defer(a, clear_result, result);
	*ret_rows = (struct db_rows){
		.result = result,
		.count = PQntuples(result),
	};
	if (!str_i64(PQcmdTuples(result), 0, INT64_MAX, &ret_rows->affected))
		ret_rows->affected = 0;
	return ERR_OK;
}

enum err
db_listen_run(struct db_listen *l, struct arena *a, const struct db_stmt *stmt,
    struct db_args args, struct db_rows *ret_rows)
{
	PGresult *result;
	enum db_outcome outcome;

	assert(args.count == stmt->nargs);
	if (!is_connected(l))
		return ERR_UNAVAILABLE;
	outcome = db_conn_run(l->conn, stmt, args, /* before= */ NULL, &result);
	return settle(l, a, stmt, outcome, result, ret_rows);
}

/* -- waiting -- */

/*
 * Whether there is a notification.  It may have arrived together with the
 * answer to a statement; the socket is then not readable, although there is
 * one.
 */
static bool
has_notice(struct db_listen *l)
{
	if (l->next == NULL && l->conn != NULL)
		l->next = db_conn_take_notify(l->conn);
	return l->fresh || l->next != NULL;
}

static int
timeout_ms(int64_t until_us)
{
	int64_t left_us = until_us - clock_monotonic_us();

	if (left_us <= 0)
		return 0;
	return left_us > 3600 * 1000000LL ? 3600 * 1000
	                                  : (int)((left_us + 999) / 1000);
}

void
db_listen_wait(
    struct db_listen *l, struct pollfd *fds, int count, int64_t deadline_us)
{
	struct pollfd all[FDS_MAX + 1] = { { .fd = -1, .events = POLLIN } };
	bool connected = is_connected(l);

	assert(count >= 0 && count <= FDS_MAX);
	for (int i = 0; i < count; i++)
		all[i + 1] = fds[i];
	if (has_notice(l))
		deadline_us = 0;
	if (connected)
		all[0].fd = db_conn_socket(l->conn);
	else if (l->retry_at_us < deadline_us)
		deadline_us = l->retry_at_us;
	(void)poll(all, (nfds_t)count + 1, timeout_ms(deadline_us));
	for (int i = 0; i < count; i++)
		fds[i].revents = all[i + 1].revents;
}

bool
db_listen_take(struct db_listen *l, struct db_notice *ret_notice)
{
	if (!has_notice(l))
		return false;
	*ret_notice = (struct db_notice){ 0 };
	if (l->fresh) {
		l->fresh = false;
		return true;
	}
	str_copy(ret_notice->channel, DB_NOTICE_SIZE, l->next->relname);
	str_copy(ret_notice->payload, DB_NOTICE_SIZE, l->next->extra);
	PQfreemem(l->next);
	l->next = NULL;
	return true;
}
