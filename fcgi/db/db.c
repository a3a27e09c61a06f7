#include "db/db.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <libpq-fe.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/random.h"
#include "base/str.h"
#include "db/db_conn.h"
#include "db/db_connector.h"
#include "db/db_error.h"
#include "db/db_fault.h"
#include "db/db_pool.h"
#include "db/log_events.h"

enum { TRIES = 5, PAUSE_MS = 5, SET_TIMEOUT_SIZE = 160 };

enum savepoint {
	SAVEPOINT_NONE,
	SAVEPOINT_SET,
	SAVEPOINT_PASSED, /* set in PostgreSQL, but not needed any more */
};

struct db {
	struct db_pool *pool;
	/* The members from here on are used only in a transaction. */
	struct db_conn *conn; /* NULL: this is a pool, not a transaction */
	bool begun;
	bool transient; /* the failure may not occur again if it is retried */
	enum err failed; /* the first failure of the transaction */
	enum savepoint savepoint;
	bool nested; /* inside db_nested() */
	const char *channel; /* channel to notify after the commit; or NULL */
	/*
	 * Statement timeouts: `timeout_ms` is for the next statement;
	 * `set_timeout_ms` is what the PostgreSQL session has now.
	 */
	int64_t timeout_ms, set_timeout_ms; /* 0: as the pool; -1: unknown */
	char set_timeout[SET_TIMEOUT_SIZE];
};

static atomic_int fault_countdown;

void
db_fault_statement(int n)
{
	atomic_store(&fault_countdown, n);
}

bool
db_fault_pending(void)
{
	return atomic_load(&fault_countdown) > 0;
}

/*
 * Whether the statement that is about to be sent is the one that a test has
 * chosen to fail, with db_fault_statement().
 */
static bool
is_fault_due(void)
{
	if (atomic_load_explicit(&fault_countdown, memory_order_relaxed) <= 0)
		return false;
	return atomic_fetch_sub(&fault_countdown, 1) == 1;
}

struct db *
db_open(const struct db_options *options)
{
	struct db *db = calloc(1, sizeof(*db));

	if (db == NULL)
		abort();
	db->pool = db_pool_new(options);
	return db;
}

void
db_close(struct db *db)
{
	if (db == NULL)
		return;
	assert(db->conn == NULL);
	db_pool_free(db->pool);
	free(db);
}

/*
 * Waits before the next attempt of a transaction, about 5, 10, 20 ... ms with a
 * random part, so that the conflicting transactions can finish first.
 */
static void
pause_before(int attempt)
{
	unsigned char random;
	long base_us = (PAUSE_MS * 1000L) << (attempt - 1);
	struct timespec wait = { 0 };

	random_bytes(&random, sizeof(random));
	wait.tv_nsec = (base_us / 2 + base_us * random / 256) * 1000;
	while (nanosleep(&wait, &wait) != 0 && errno == EINTR)
		continue;
}

static enum err
give_up(const char *name, enum err e)
{
	log_event(LOG_WARN, EVENT_TRANSACTION_RETRIES_EXHAUSTED,
	    LOG_TEXT("statement", name), LOG_NUM("tries", TRIES));
	return e;
}

static void
clear_result(void *result)
{
	PQclear(result);
}

/* Hands the rows over to the arena, or frees them if ret_rows is NULL. */
static void
give_rows(struct arena *a, PGresult *result, struct db_rows *ret_rows)
{
	const char *affected;

	if (ret_rows == NULL) {
		PQclear(result);
		return;
	}
	arena_defer(a, clear_result, result);
	*ret_rows = (struct db_rows){
		.result = result,
		.count = PQntuples(result),
	};
	affected = PQcmdTuples(result);
	if (!str_i64(affected, 0, INT64_MAX, &ret_rows->affected))
		ret_rows->affected = 0; /* a command that does not count rows */
}

/* Converts the result of a statement to rows and an error; logs a failure. */
static enum err
settle(struct arena *a, const struct db_stmt *stmt, const struct db_conn *c,
    enum db_outcome outcome, PGresult *result, struct db_rows *ret_rows)
{
	enum err e = db_error(outcome, result);

	metrics_add(METRIC_DB_QUERIES, 1);
	if (e == ERR_OK) {
		give_rows(a, result, ret_rows);
		return ERR_OK;
	}
	if (e == ERR_UNAVAILABLE || e == ERR_INTERNAL)
		metrics_add(METRIC_DB_ERRORS, 1);
	db_error_log(stmt->name, c, outcome, result);
	PQclear(result);
	return e;
}

/*
 * Counts the statement, and logs it if it was slow.  The log line has the ids
 * of the request and its trace.  To have them in PostgreSQL's log, too, they
 * would have to be in a comment of the statement; but each such text would be
 * another statement to prepare.
 */
static void
note_time(const struct db_pool *pool, const char *name, int64_t began_us)
{
	int64_t us = clock_monotonic_us() - began_us;
	int64_t slow_ms = db_pool_slow_ms(pool);

	metrics_observe(HISTOGRAM_DB_STATEMENT, us);
	if (slow_ms == 0 || us < slow_ms * 1000)
		return;
	metrics_add(METRIC_DB_SLOW, 1);
	log_event(LOG_WARN, EVENT_STATEMENT_SLOW, LOG_TEXT("statement", name),
	    LOG_NUM("ms", us / 1000), LOG_NUM("slow_ms", slow_ms));
}

static enum db_outcome
run_timed(const struct db *db, struct db_conn *c, const struct db_stmt *stmt,
    struct db_args args, const char *const *before, PGresult **ret_result)
{
	int64_t began_us = clock_monotonic_us();
	enum db_outcome outcome =
	    db_conn_run(c, stmt, args, before, ret_result);

	note_time(db->pool, stmt->name, began_us);
	return outcome;
}

/* The next action after an attempt to run a statement. */
enum next { NEXT_RETURN, NEXT_AGAIN, NEXT_RECONNECT };

/* Runs the statement once, on a connection from the pool. */
static enum err
run_once(struct db *db, struct arena *a, const struct db_stmt *stmt,
    struct db_args args, struct db_rows *ret_rows, enum next *ret_next)
{
	struct db_conn *c;
	PGresult *result;
	enum db_outcome outcome;
	enum err e;

	*ret_next = NEXT_RETURN;
	e = db_pool_acquire(db->pool, &c);
	if (e != ERR_OK)
		return e;
	outcome = run_timed(db, c, stmt, args, /* before= */ NULL, &result);
	if (db_error_is_transient(outcome, result))
		*ret_next = NEXT_AGAIN;
	if (outcome == DB_LOST && stmt->read_only)
		*ret_next = NEXT_RECONNECT;
	e = settle(a, stmt, c, outcome, result, ret_rows);
	db_pool_release(db->pool, c);
	return e;
}

static enum err
run_in_pool(struct db *db, struct arena *a, const struct db_stmt *stmt,
    struct db_args args, struct db_rows *ret_rows)
{
	for (int attempt = 1;; attempt++) {
		enum next next;
		enum err e = run_once(db, a, stmt, args, ret_rows, &next);

		if (next == NEXT_RETURN ||
		    (next == NEXT_RECONNECT && attempt > 1))
			return e;
		if (attempt == TRIES)
			return give_up(stmt->name, e);
		if (attempt > 1)
			pause_before(attempt);
	}
}

/*
 * Returns the command that sets the timeouts of the PostgreSQL session, and
 * uses the new timeout for this connection, too.
 */
static const char *
take_timeout(struct db *tx)
{
	int64_t ms = tx->timeout_ms != 0
	                 ? tx->timeout_ms
	                 : db_pool_statement_timeout_ms(tx->pool);
	int n = snprintf(tx->set_timeout, sizeof(tx->set_timeout),
	    "SELECT pg_catalog.set_config('statement_timeout', '%lld', true),"
	    " pg_catalog.set_config('idle_in_transaction_session_timeout',"
	    " '%lld', true)",
	    (long long)ms, (long long)db_connector_idle_ms(ms));

	assert(n > 0 && n < SET_TIMEOUT_SIZE);
	tx->set_timeout_ms = tx->timeout_ms;
	db_conn_set_timeout(tx->conn, tx->timeout_ms);
	return tx->set_timeout;
}

/*
 * Collects the commands that must be sent before the next statement of the
 * transaction: BEGIN, timeouts, SAVEPOINT.
 */
static void
fill_before(struct db *tx, const char *before[DB_BEFORE_MAX + 1])
{
	int n = 0;

	if (!tx->begun)
		before[n++] = "BEGIN ISOLATION LEVEL READ COMMITTED";
	if (tx->timeout_ms != tx->set_timeout_ms)
		before[n++] = take_timeout(tx);
	if (tx->nested && tx->savepoint == SAVEPOINT_PASSED)
		before[n++] = "RELEASE SAVEPOINT nested";
	if (tx->nested && tx->savepoint != SAVEPOINT_SET) {
		before[n++] = "SAVEPOINT nested";
		tx->savepoint = SAVEPOINT_SET;
	}
	before[n] = NULL;
	tx->begun = true;
}

static enum err
run_in_transaction(struct db *tx, struct arena *a, const struct db_stmt *stmt,
    struct db_args args, struct db_rows *ret_rows)
{
	const char *before[DB_BEFORE_MAX + 1];
	PGresult *result;
	enum db_outcome outcome;

	if (tx->failed != ERR_OK)
		return tx->failed;
	fill_before(tx, before);
	outcome = run_timed(tx, tx->conn, stmt, args, before, &result);
	tx->transient = db_error_is_transient(outcome, result);
	tx->failed = settle(a, stmt, tx->conn, outcome, result, ret_rows);
	return tx->failed;
}

enum err
db_run(struct db *db, struct arena *a, const struct db_stmt *stmt,
    struct db_args args, struct db_rows *ret_rows)
{
	assert(args.count == stmt->nargs);
	if (is_fault_due()) {
		if (db->conn != NULL)
			db->failed = ERR_UNAVAILABLE;
		return ERR_UNAVAILABLE;
	}
	if (db->conn != NULL)
		return run_in_transaction(db, a, stmt, args, ret_rows);
	return run_in_pool(db, a, stmt, args, ret_rows);
}

enum err
db_run_one(struct db *db, struct arena *a, const struct db_stmt *stmt,
    struct db_args args, struct db_rows *ret_rows)
{
	enum err e = db_run(db, a, stmt, args, ret_rows);

	return e == ERR_OK && ret_rows->count == 0 ? ERR_NOT_FOUND : e;
}

static void
rollback(struct db *tx)
{
	PGresult *result;

	/*
	 * If the ROLLBACK fails, the session is still in a transaction;
	 * db_pool_release() notices that and closes the connection.
	 */
	if (db_conn_command(tx->conn, "ROLLBACK", &result) != DB_DONE)
		log_event(LOG_WARN, EVENT_ROLLBACK_FAILED);
	PQclear(result);
}

static enum err
commit(struct db *tx)
{
	static const struct db_stmt statement = { .name = "COMMIT" };
	PGresult *result;
	enum db_outcome outcome;
	int64_t began_us;

	if (is_fault_due()) {
		rollback(tx);
		return ERR_UNAVAILABLE;
	}
	began_us = clock_monotonic_us();
	outcome = db_conn_command(tx->conn, "COMMIT", &result);
	note_time(tx->pool, statement.name, began_us);
	/*
	 * PostgreSQL answers a COMMIT with "ROLLBACK" if a statement of the
	 * transaction has failed.
	 */
	assert(
	    outcome != DB_DONE || strcmp(PQcmdStatus(result), "COMMIT") == 0);
	tx->transient = db_error_is_transient(outcome, result);
	return settle(/* a= */ NULL, &statement, tx->conn, outcome, result,
	    /* ret_rows= */ NULL);
}

/*
 * Undoes what was done since the start of db_nested().  Returns false when only
 * the whole transaction can be undone.
 */
static bool
rollback_nested(struct db *tx)
{
	PGresult *result;
	enum db_outcome outcome;

	if (tx->transient || !db_conn_is_alive(tx->conn))
		return false;
	if (tx->savepoint != SAVEPOINT_SET)
		return true; /* no statement was sent yet */
	outcome =
	    db_conn_command(tx->conn, "ROLLBACK TO SAVEPOINT nested", &result);
	tx->set_timeout_ms =
	    -1; /* a timeout set since the savepoint is undone, too */
	PQclear(result);
	return outcome == DB_DONE;
}

enum err
db_nested(struct db *tx, struct arena *a,
    enum err (*body)(struct db *tx, struct arena *a, void *ctx), void *ctx)
{
	enum err e;

	assert(tx->conn != NULL && !tx->nested);
	if (tx->failed != ERR_OK)
		return tx->failed;
	tx->nested = true;
	e = body(tx, a, ctx);
	tx->nested = false;
	if (e == ERR_OK)
		e = tx->failed;
	if (e != ERR_OK && rollback_nested(tx))
		tx->failed = ERR_OK;
	if (tx->savepoint == SAVEPOINT_SET)
		tx->savepoint = SAVEPOINT_PASSED;
	return e;
}

void
db_set_timeout(struct db *tx, int64_t timeout_ms)
{
	assert(tx->conn != NULL && timeout_ms >= 0);
	tx->timeout_ms = timeout_ms;
}

bool
db_is_doomed(const struct db *tx)
{
	return tx->failed != ERR_OK;
}

static const struct db_stmt notify = {
	.name = "db_notify",
	.sql = "SELECT pg_notify($1, '')",
	.nargs = 1,
};

void
db_notify(struct db *db, const char *channel)
{
	enum err e;

	if (db->conn != NULL) {
		db->channel = channel;
		return;
	}
	e = run_in_pool(db, /* a= */ NULL, &notify, DB_ARGS(channel),
	    /* ret_rows= */ NULL);
	(void)e; /* logged already */
}

static void
notify_after_commit(struct db *tx)
{
	PGresult *result;
	enum db_outcome outcome;

	outcome = db_conn_run(tx->conn, &notify, DB_ARGS(tx->channel),
	    /* before= */ NULL, &result);
	if (outcome != DB_DONE)
		db_error_log(notify.name, tx->conn, outcome, result);
	PQclear(result);
}

static enum err
transact_once(struct db_pool *pool, struct arena *a,
    enum err (*body)(struct db *tx, struct arena *a, void *ctx), void *ctx,
    bool *ret_again)
{
	struct db tx = { .pool = pool, .failed = ERR_OK };
	enum err e;

	*ret_again = false;
	e = db_pool_acquire(pool, &tx.conn);
	if (e != ERR_OK)
		return e;
	e = body(&tx, a, ctx);
	if (e == ERR_OK)
		e = tx.failed;
	db_conn_set_timeout(tx.conn, /* timeout_ms= */ 0);
	if (tx.begun && e == ERR_OK)
		e = commit(&tx);
	else if (tx.begun && db_conn_is_alive(tx.conn))
		rollback(&tx);
	*ret_again = tx.transient;
	if (e == ERR_OK && tx.channel != NULL)
		notify_after_commit(&tx);
	db_pool_release(pool, tx.conn);
	return e;
}

enum err
db_transact(struct db *db, struct arena *a,
    enum err (*body)(struct db *tx, struct arena *a, void *ctx), void *ctx)
{
	assert(db->conn == NULL);
	for (int attempt = 1;; attempt++) {
		bool again;
		enum err e = transact_once(db->pool, a, body, ctx, &again);

		if (!again)
			return e;
		if (attempt == TRIES)
			return give_up("transaction", e);
		pause_before(attempt);
	}
}

bool
db_ready(struct db *db)
{
	static const struct db_stmt probe = {
		.name = "db_ready",
		.sql = "SELECT 1",
		.read_only = true,
	};

	return run_in_pool(db, /* a= */ NULL, &probe, DB_NO_ARGS,
		   /* ret_rows= */ NULL) == ERR_OK;
}
