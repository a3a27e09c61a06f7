#include "db/db_conn.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "db/db_connector.h"
#include "db/db_prepared.h"

enum {
	GRACE_MS = 1000, /* a deadline is this much after statement_timeout */
	/*
	 * A server that shuts down closes its connections sooner than this; a
	 * server that was silent for longer has probably failed.
	 */
	SILENCE_US = 1000 * 1000,
	NAME_SIZE = 64, /* NAMEDATALEN: PostgreSQL cuts longer names */
	SQL_SIZE = 2 * NAME_SIZE + 32,
	/*
	 * After a statement whose parameters have this many bytes, the
	 * connection is closed instead of being reused, because libpq never
	 * shrinks its buffers.
	 */
	SWOLLEN_BYTES = 256 * 1024,
};

struct db_conn {
	PGconn *pg;
	struct db_prepared prepared;
	int64_t deadline_ms; /* time limit of one exchange with the server */
	int64_t own_timeout_ms; /* the statement timeout given in the options */
	bool broken;
	bool is_swollen; /* libpq's buffers have become large */
	bool misled; /* see db_conn_is_misled() */
};

/*
 * The purpose of each command of a pipeline.  The caller gets the rows of the
 * last STEP_RUN.
 */
enum step { STEP_OTHER, STEP_PREPARE, STEP_RUN };

struct pipeline {
	enum step steps[DB_BEFORE_MAX + 5];
	int count;
	bool sent;
	int64_t timeout_ms; /* 0: the connection's timeout */
};

void
db_conn_reason(const struct db_conn *c, char reason[DB_REASON_SIZE])
{
	db_reason_copy(reason, PQerrorMessage(c->pg));
}

/*
 * Waits until the socket has one of the `events` of poll(2), or until the
 * deadline.
 */
static enum db_outcome
wait_socket(PGconn *pg, short events, int64_t deadline_us)
{
	struct pollfd p = { .fd = PQsocket(pg), .events = events };

	for (;;) {
		int64_t left_us = deadline_us - clock_monotonic_us();
		int n;

		if (p.fd < 0)
			return DB_LOST;
		if (left_us <= 0)
			return DB_LATE;
		n = poll(&p, 1, (int)((left_us + 999) / 1000));
		if (n > 0)
			return DB_DONE;
		if (n < 0 && errno != EINTR)
			return DB_LOST;
	}
}

void
db_conn_abandon(struct db_conn *c)
{
	c->broken = true;
	db_conn_close(c);
}

void
db_conn_close(struct db_conn *c)
{
	if (c == NULL)
		return;
	/*
	 * PQfinish() sends a message, and could block if the server does not
	 * read: shut the socket down first.
	 */
	if (c->broken && PQsocket(c->pg) >= 0)
		shutdown(PQsocket(c->pg), SHUT_RDWR);
	PQfinish(c->pg);
	db_prepared_release(&c->prepared);
	free(c);
}

/*
 * The server sends nothing to an idle session until it ends it.  So a readable
 * socket means that the server has closed the connection.  (Or a reload changed
 * a setting that the server reports; then one connection is closed without
 * need.)
 */
bool
db_conn_is_stale(const struct db_conn *c)
{
	struct pollfd p = { .fd = PQsocket(c->pg), .events = POLLIN };

	return p.fd < 0 || poll(&p, 1, 0) != 0;
}

bool
db_conn_is_alive(const struct db_conn *c)
{
	return !c->broken && PQstatus(c->pg) == CONNECTION_OK;
}

bool
db_conn_is_reusable(const struct db_conn *c)
{
	return db_conn_is_alive(c) && !c->is_swollen &&
	       PQtransactionStatus(c->pg) == PQTRANS_IDLE;
}

bool
db_conn_is_misled(const struct db_conn *c)
{
	return c->misled;
}

int
db_conn_socket(const struct db_conn *c)
{
	return c->broken ? -1 : PQsocket(c->pg);
}

PGnotify *
db_conn_take_notify(struct db_conn *c)
{
	if (!c->broken && !PQconsumeInput(c->pg))
		c->broken = true;
	return PQnotifies(c->pg);
}

static void
pipeline_add(struct pipeline *p, enum step step, int sent)
{
	assert(p->count < (int)(sizeof(p->steps) / sizeof(p->steps[0])));
	p->steps[p->count++] = step;
	p->sent = p->sent && sent == 1;
}

static int
send_plain(struct db_conn *c, const char *sql)
{
	return PQsendQueryParams(c->pg, sql, 0, NULL, NULL, NULL, NULL,
	    /* resultFormat= */ 0);
}

static int
send_deallocate(struct db_conn *c, const struct db_stmt *stmt)
{
	char sql[SQL_SIZE];
	char *name;
	int n;

	name = PQescapeIdentifier(c->pg, stmt->name, strlen(stmt->name));
	if (name == NULL)
		return 0;
	n = snprintf(sql, sizeof(sql), "DEALLOCATE %s", name);
	PQfreemem(name);
	assert(n > 0 && n < (int)sizeof(sql));
	return send_plain(c, sql);
}

static int
send_timeout(struct db_conn *c, int64_t timeout_ms)
{
	char sql[SQL_SIZE];
	int n = snprintf(sql, sizeof(sql), "SET statement_timeout = %lld",
	    (long long)timeout_ms);

	assert(n > 0 && n < (int)sizeof(sql));
	return send_plain(c, sql);
}

/* Waits until PQgetResult() can be called without blocking. */
static enum db_outcome
await_result(struct db_conn *c, int64_t deadline_us)
{
	while (PQisBusy(c->pg)) {
		int unsent = PQflush(c->pg);
		enum db_outcome o;

		if (unsent < 0)
			return DB_LOST;
		o = wait_socket(c->pg,
		    (short)(unsent > 0 ? POLLIN | POLLOUT : POLLIN),
		    deadline_us);
		if (o != DB_DONE)
			return o;
		if (!PQconsumeInput(c->pg))
			return DB_LOST;
	}
	return DB_DONE;
}

/*
 * Takes one result of the pipeline.  *kept is the rows, or the error of the
 * first command that failed.
 */
static void
take_result(struct db_conn *c, const struct db_stmt *stmt, enum step step,
    PGresult *r, PGresult **kept, enum db_outcome *outcome)
{
	ExecStatusType status = PQresultStatus(r);

	if (*outcome == DB_REFUSED || status == PGRES_PIPELINE_ABORTED) {
		PQclear(r);
		return;
	}
	if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK) {
		if (step == STEP_PREPARE)
			db_prepared_set(&c->prepared, stmt, DB_PREPARED_READY);
		if (step == STEP_RUN) {
			*kept = r;
			return;
		}
		PQclear(r);
		return;
	}
	/*
	 * The result is of a COPY, which needs an exchange that this code does
	 * not have; so the connection cannot be used further.
	 */
	if (status != PGRES_FATAL_ERROR && status != PGRES_EMPTY_QUERY)
		c->broken = true;
	PQclear(*kept);
	*kept = r;
	*outcome = DB_REFUSED;
}

static int64_t
deadline_of(const struct db_conn *c, const struct pipeline *p)
{
	int64_t ms = c->deadline_ms;

	if (p->timeout_ms != 0)
		ms = p->timeout_ms + GRACE_MS;
	return clock_monotonic_us() + ms * 1000;
}

static int64_t
waited_us(
    const struct db_conn *c, const struct pipeline *p, int64_t deadline_us)
{
	return deadline_of(c, p) - deadline_us;
}

/*
 * Reads the results of all commands of the pipeline, up to PGRES_PIPELINE_SYNC.
 */
static enum db_outcome
read_pipeline(struct db_conn *c, const struct db_stmt *stmt,
    const struct pipeline *p, PGresult **ret_result)
{
	int64_t deadline_us = deadline_of(c, p);
	enum db_outcome outcome = DB_DONE;
	int at = 0;

	while (!c->broken) {
		enum db_outcome waited = await_result(c, deadline_us);
		PGresult *r;

		if (waited != DB_DONE) {
			c->broken = true;
			c->misled = waited == DB_LATE ||
			            waited_us(c, p, deadline_us) > SILENCE_US;
			return waited;
		}
		r = PQgetResult(c->pg);
		if (r == NULL) {
			/*
			 * A NULL ends the results of one command.  There can be
			 * no more of these than commands.
			 */
			at++;
			c->broken = at > p->count;
		} else if (PQresultStatus(r) == PGRES_PIPELINE_SYNC) {
			PQclear(r);
			return outcome;
		} else {
			take_result(c, stmt,
			    at < p->count ? p->steps[at] : STEP_OTHER, r,
			    ret_result, &outcome);
			c->broken |= PQstatus(c->pg) == CONNECTION_BAD;
		}
	}
	return DB_LOST;
}

static enum db_outcome
exchange(struct db_conn *c, const struct db_stmt *stmt,
    const struct pipeline *p, PGresult **ret_result)
{
	*ret_result = NULL;
	if (!p->sent || PQpipelineSync(c->pg) != 1) {
		c->broken = true;
		return DB_LOST;
	}
	return read_pipeline(c, stmt, p, ret_result);
}

/*
 * After an error, records whether the connection still has the prepared
 * statement.
 */
static void
learn_from_refusal(
    struct db_conn *c, const struct db_stmt *stmt, const PGresult *result)
{
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);

	if (state == NULL)
		return;
	if (strcmp(state, "26000") == 0) /* no such prepared statement */
		db_prepared_set(&c->prepared, stmt, DB_PREPARED_NOT);
	if (strcmp(state, "0A000") == 0 || /* the result type has changed */
	    strcmp(state, "42P05") == 0) /* the name is already prepared */
		db_prepared_set(&c->prepared, stmt, DB_PREPARED_STALE);
	/*
	 * The server is read-only, because another server has become the
	 * primary.  The next connection will find the primary.
	 */
	if (strcmp(state, "25006") == 0)
		c->broken = c->misled = true;
}

static size_t
bytes_of(struct db_args args)
{
	size_t bytes = 0;

	for (int i = 0; i < args.count; i++)
		bytes += args.values[i] != NULL ? strlen(args.values[i]) : 0;
	return bytes;
}

enum db_outcome
db_conn_run(struct db_conn *c, const struct db_stmt *stmt, struct db_args args,
    const char *const *before, PGresult **ret_result)
{
	enum db_prepared_state state = db_prepared_get(&c->prepared, stmt);
	struct pipeline p = { .sent = true };
	enum db_outcome outcome;

	if (stmt->timeout_ms != 0 && before == NULL &&
	    PQtransactionStatus(c->pg) == PQTRANS_IDLE) {
		p.timeout_ms = stmt->timeout_ms;
		pipeline_add(&p, STEP_OTHER, send_timeout(c, p.timeout_ms));
	}
	for (; before != NULL && *before != NULL; before++)
		pipeline_add(&p, STEP_OTHER, send_plain(c, *before));
	if (state == DB_PREPARED_STALE)
		pipeline_add(&p, STEP_OTHER, send_deallocate(c, stmt));
	if (bytes_of(args) > SWOLLEN_BYTES)
		c->is_swollen = true;
	assert(strlen(stmt->name) < NAME_SIZE);
	if (state != DB_PREPARED_READY)
		pipeline_add(&p, STEP_PREPARE,
		    PQsendPrepare(c->pg, stmt->name, stmt->sql, 0, NULL));
	pipeline_add(&p, STEP_RUN,
	    PQsendQueryPrepared(c->pg, stmt->name, args.count, args.values,
		NULL, NULL, /* resultFormat= */ 0));
	/*
	 * After an error PostgreSQL skips this command, and rolls the SET back,
	 * too.
	 */
	if (p.timeout_ms != 0)
		pipeline_add(
		    &p, STEP_OTHER, send_plain(c, "RESET statement_timeout"));

	outcome = exchange(c, stmt, &p, ret_result);
	if (outcome == DB_REFUSED)
		learn_from_refusal(c, stmt, *ret_result);
	return outcome;
}

void
db_conn_set_timeout(struct db_conn *c, int64_t timeout_ms)
{
	if (timeout_ms == 0)
		timeout_ms = c->own_timeout_ms;
	c->deadline_ms = timeout_ms + GRACE_MS;
}

enum db_outcome
db_conn_command(struct db_conn *c, const char *sql, PGresult **ret_result)
{
	struct pipeline p = { .sent = true };

	pipeline_add(&p, STEP_RUN, send_plain(c, sql));
	return exchange(c, /* stmt= */ NULL, &p, ret_result);
}

/* Checks that the session has the settings with which it was opened. */
static bool
check_session(struct db_conn *c, char reason[DB_REASON_SIZE])
{
	static const char sql[] =
	    "SELECT pg_catalog.current_setting('synchronous_commit'),"
	    " pg_catalog.current_setting('search_path')";
	PGresult *result;
	const char *problem;

	switch (db_conn_command(c, sql, &result)) {
	case DB_DONE:
		problem = db_connector_check_session(
		    PQgetvalue(result, 0, 0), PQgetvalue(result, 0, 1));
		break;
	case DB_REFUSED:
		problem = PQresultErrorMessage(result);
		break;
	default:
		problem = "the connection was made, and then there was no "
			  "answer";
		break;
	}
	if (problem != NULL)
		db_reason_copy(reason, problem);
	PQclear(result);
	return problem == NULL;
}

struct db_conn *
db_conn_open(struct db_connector *connector, char reason[DB_REASON_SIZE])
{
	PGconn *pg = db_connector_connect(connector, reason);
	struct db_conn *c;

	if (pg == NULL)
		return NULL;
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		abort();
	c->pg = pg;
	c->deadline_ms = DB_CONNECT_TIMEOUT_MS;
	if (PQsetnonblocking(pg, 1) != 0 || !PQenterPipelineMode(pg) ||
	    !check_session(c, reason)) {
		db_conn_close(c);
		return NULL;
	}
	c->own_timeout_ms =
	    db_connector_options(connector)->statement_timeout_ms;
	db_conn_set_timeout(c, /* timeout_ms= */ 0);
	return c;
}
