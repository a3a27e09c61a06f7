#include "migration.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/str.h"
#include "db/db_script.h"

#include "message.h"
#include "migration_file.h"

#define TIMEOUT_VARIABLE "KEDGE_MIGRATION_PATIENCE_S"

enum {
	TIMEOUT_DEFAULT_S = 60,
	TIMEOUT_MAX_S = 86400,
	PAUSE_MIN_MS = 250,
	PAUSE_MAX_MS = 4000,
};

bool
migration_read_timeout(int64_t *ret_ms)
{
	const char *text = getenv(TIMEOUT_VARIABLE);
	int64_t s = TIMEOUT_DEFAULT_S;

	if (text != NULL && !str_i64(text, 1, TIMEOUT_MAX_S, &s)) {
		print_error(TIMEOUT_VARIABLE
		    ": expected a number of seconds from 1 to %d",
		    TIMEOUT_MAX_S);
		return false;
	}
	*ret_ms = s * 1000;
	return true;
}

/* -- waiting -- */

struct wait {
	int64_t began_us;
	int64_t pause_ms; /* pause before the next try; doubles after each */
};

static struct wait
begin_wait(void)
{
	return (struct wait){ clock_monotonic_us(), PAUSE_MIN_MS };
}

static int64_t
waited_s(const struct wait *w)
{
	return (clock_monotonic_us() - w->began_us) / 1000000;
}

/* Waits before the next try. False: the timeout is over. */
static bool
pause_once(const struct migration_run *r, struct wait *w)
{
	struct timespec left = { .tv_sec = w->pause_ms / 1000,
		.tv_nsec = w->pause_ms % 1000 * 1000000 };

	if (clock_monotonic_us() - w->began_us > r->timeout_ms * 1000)
		return false;
	while (nanosleep(&left, &left) == -1 && errno == EINTR)
		continue;
	w->pause_ms *= 2;
	if (w->pause_ms > PAUSE_MAX_MS)
		w->pause_ms = PAUSE_MAX_MS;
	return true;
}

/*
 * Describes the session that holds locks on most tables, because that is
 * probably the one that the migration waits for.
 */
static const char *
lock_holder_of(const struct migration_run *r)
{
	static const char sql[] =
	    "SELECT format('process %s (role %s, application \"%s\") holds"
	    " locks on %s', l.pid, a.usename, a.application_name,"
	    " string_agg(DISTINCT c.relname, ', '))"
	    " FROM pg_locks l JOIN pg_stat_activity a USING (pid)"
	    " JOIN pg_class c ON c.oid = l.relation"
	    " WHERE l.locktype = 'relation' AND l.granted"
	    " AND l.database = (SELECT oid FROM pg_database"
	    " WHERE datname = current_database())"
	    " AND c.relnamespace = 'public'::regnamespace"
	    " AND c.relkind IN ('r', 'p') AND l.pid <> pg_backend_pid()"
	    " GROUP BY l.pid, a.usename, a.application_name"
	    " ORDER BY count(DISTINCT c.oid) DESC, l.pid LIMIT 1";
	struct db_rows rows;

	if (db_script_query(r->script, r->arena, sql, DB_NO_ARGS, &rows) !=
		ERR_OK ||
	    rows.count == 0)
		return "no other session holds a lock on a table now";
	return db_get_text(&rows, 0, 0);
}

/* -- the database -- */

static bool
print_database_error(const struct migration_run *r)
{
	print_error("%s: %s", r->service, db_script_problem(r->script));
	return false;
}

static bool
run(const struct migration_run *r, const char *sql)
{
	return db_script_run(r->script, sql) == ERR_OK ||
	       print_database_error(r);
}

/*
 * The number of the advisory lock is "kedge" in ASCII, so that no other program
 * uses it by chance. The function polls with pg_try_advisory_lock(): a
 * statement that waited for the lock would keep a snapshot open, and CREATE
 * INDEX CONCURRENTLY in the session that has the lock would wait for that
 * snapshot to end.
 */
bool
migration_lock(const struct migration_run *r)
{
	struct wait w = begin_wait();
	struct db_rows rows;
	bool said = false;

	for (;;) {
		if (db_script_query(r->script, r->arena,
			"SELECT pg_try_advisory_lock(x'6b65646765'::bigint)",
			DB_NO_ARGS, &rows) != ERR_OK)
			return print_database_error(r);
		if (db_get_bool(&rows, 0, 0))
			return true;
		if (!said)
			print_message(
			    "%s: waiting for another migration to end",
			    r->service);
		said = true;
		w.pause_ms = PAUSE_MIN_MS;
		if (!pause_once(r, &w)) {
			print_error(
			    "%s: another migration has been running for "
			    "%lld s; giving up",
			    r->service, (long long)waited_s(&w));
			return false;
		}
	}
}

/* The file's name in messages: a library file has its folder in front. */
static const char *
shown(const struct migration_run *r, const struct migration *m)
{
	return str_eq(r->folder, r->service)
	           ? m->name
	           : arena_printf(r->arena, "%s/%s", r->folder, m->name);
}

static bool
print_file_error(const struct migration_run *r, const struct migration *m)
{
	int line = db_script_problem_line(r->script);

	print_error("sql/%s/%s%s: %s", r->folder, m->name,
	    line == 0 ? "" : arena_printf(r->arena, ":%d", line),
	    db_script_problem(r->script));
	return false;
}

/* -- files with a transaction -- */

static bool
is_locked_out(const struct migration_run *r)
{
	const char *state = db_script_sqlstate(r->script);

	return str_eq(state, "55P03") || /* lock_not_available */
	       str_eq(state, "40P01"); /* deadlock_detected */
}

static struct db_args
record_args(const struct migration_run *r, const struct migration *m)
{
	const char **values = arena_alloc(r->arena, 3 * sizeof(*values));

	values[0] = arena_i64(r->arena, m->version);
	values[1] = m->name;
	values[2] = m->checksum;
	return (struct db_args){ values, 3 };
}

static bool
apply_in_transaction(const struct migration_run *r, const struct migration *m)
{
	struct db_args args = record_args(r, m);
	struct wait w = begin_wait();

	if (!run(r, "SET lock_timeout = '2s'"))
		return false;
	for (int tries = 1;; tries++) {
		if (db_script_run_recorded(
			r->script, m->text, r->record_sql, args) == ERR_OK)
			return true;
		if (!is_locked_out(r))
			return print_file_error(r, m);
		print_message(
		    "migrating %s: %s could not get its locks (try %d, after "
		    "%lld s); %s",
		    r->service, shown(r, m), tries, (long long)waited_s(&w),
		    lock_holder_of(r));
		if (!pause_once(r, &w)) {
			print_error(
			    "sql/%s/%s: given up after %d tries in %lld "
			    "s, and rolled back: %s; set " TIMEOUT_VARIABLE
			    " to try for longer",
			    r->folder, m->name, tries, (long long)waited_s(&w),
			    lock_holder_of(r));
			return false;
		}
	}
}

/* -- files without a transaction -- */

static bool
drop_if_invalid(const struct migration_run *r, const char *index)
{
	static const char sql[] =
	    "SELECT FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
	    " WHERE c.relname = $1 AND NOT i.indisvalid"
	    " AND c.relnamespace = 'public'::regnamespace";
	struct db_rows rows;

	if (db_script_query(r->script, r->arena, sql, DB_ARGS(index), &rows) !=
	    ERR_OK)
		return print_database_error(r);
	if (rows.count == 0)
		return true;
	print_message(
	    "migrating %s: dropping the index %s, which an interrupted run "
	    "has left invalid",
	    r->service, index);
	return run(
	    r, arena_printf(r->arena,
		   "DROP INDEX CONCURRENTLY IF EXISTS public.%s", index));
}

static bool
apply_alone(
    const struct migration_run *r, const struct migration *m, const char *index)
{
	struct db_rows rows;

	if (!run(r, arena_printf(r->arena, "SET lock_timeout = %lld",
			(long long)r->timeout_ms)) ||
	    !drop_if_invalid(r, index))
		return false;
	if (db_script_run(r->script, m->text) != ERR_OK) {
		if (!is_locked_out(r))
			return print_file_error(r, m);
		print_error("sql/%s/%s: given up after %lld s; %s", r->folder,
		    m->name, (long long)(r->timeout_ms / 1000),
		    lock_holder_of(r));
		return false;
	}
	if (db_script_query(r->script, r->arena, r->record_sql,
		record_args(r, m), &rows) != ERR_OK)
		return print_database_error(r);
	return true;
}

bool
migration_apply(const struct migration_run *r, const struct migration *m)
{
	const char *index;

	if (!migration_file_index(r->arena, m, &index)) {
		print_error("sql/%s/%s: without a transaction there is "
			    "one statement, CREATE [UNIQUE] INDEX "
			    "CONCURRENTLY IF NOT EXISTS name or DROP INDEX "
			    "CONCURRENTLY IF EXISTS name",
		    r->folder, m->name);
		return false;
	}
	print_message("migrating %s: %s", r->service, shown(r, m));
	return index != NULL ? apply_alone(r, m, index)
	                     : apply_in_transaction(r, m);
}
