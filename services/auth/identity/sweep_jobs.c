#include "auth/identity/sweep_jobs.h"

#include <stdio.h>

#include "base/arena.h"
#include "db/db.h"

/*
 * Expired rows cannot be used, so there is no hurry: the day allows for a clock
 * that was wrong for a while.
 */
enum { KEPT_S = 86400, SWEEP_LIMIT_S = 3600, RESULT_SIZE = 64 };

/*
 * Some thousand rows at a time in the order of their ids, so that no turn reads
 * again the dead rows of earlier turns.  A locked row is in use at the moment,
 * and left for the next sweep.
 */
enum { SWEEP_ROWS = 2000 };
/* clang-format off */
#define SWEEP_SQL(table)                                                  \
	"WITH looked AS MATERIALIZED (SELECT id, \"expiresAt\""           \
	" FROM " table " WHERE id > $1 ORDER BY id LIMIT $2::bigint),"    \
	" expired AS MATERIALIZED (SELECT t.id FROM " table " t"          \
	" JOIN looked USING (id)"                                         \
	" WHERE t.\"expiresAt\" < now() - $3::bigint * interval '1 s'"    \
	" FOR UPDATE OF t SKIP LOCKED),"                                  \
	" deleted AS (DELETE FROM " table " t USING expired"              \
	" WHERE t.id = expired.id RETURNING t.id)"                        \
	" SELECT (SELECT count(*) FROM deleted),"                         \
	" (SELECT max(id) FROM looked)"
/* clang-format on */

static const struct db_stmt sweep_sessions_stmt = {
	.name = "session_sweep",
	.sql = SWEEP_SQL("session"),
	.nargs = 3,
};
static const struct db_stmt sweep_verifications_stmt = {
	.name = "verification_sweep",
	.sql = SWEEP_SQL("verification"),
	.nargs = 3,
};
enum { SWEEP_DELETED, SWEEP_LAST };

/*
 * The state of a sweep, which goes through the table in blocks of rows, in the
 * order of the ids.
 */
struct sweep {
	const char *last_id; /* of the block before; "": begin; NULL: ended */
	int64_t deleted;
};

/*
 * Deletes rows that expired more than KEPT_S ago among the next SWEEP_ROWS
 * rows.
 */
static enum err
sweep_turn(
    struct db *db, struct arena *a, const struct db_stmt *stmt, struct sweep *s)
{
	const char *limit = arena_printf(a, "%d", SWEEP_ROWS);
	const char *age = arena_printf(a, "%d", KEPT_S);
	struct db_rows rows;
	enum err e =
	    db_run(db, a, stmt, DB_ARGS(s->last_id, limit, age), &rows);

	if (e != ERR_OK)
		return e;
	s->deleted += db_get_i64(&rows, 0, SWEEP_DELETED);
	s->last_id = db_find_text(&rows, 0, SWEEP_LAST);
	return ERR_OK;
}

/* Each turn is a separate transaction. */
static enum err
sweep(struct job *job, struct db *db, const struct db_stmt *stmt,
    const char *what)
{
	/*
	 * The previous turn's arena has the id with which the next one begins.
	 */
	struct arena *turns[2] = { arena_new(), arena_new() };
	struct sweep s = { .last_id = "" };
	char result[RESULT_SIZE];
	int turn = 0;
	enum err e;

	do {
		turn = 1 - turn;
		arena_reset(turns[turn]);
		e = sweep_turn(db, turns[turn], stmt, &s);
		snprintf(result, sizeof(result), "{\"%s\":%lld}", what,
		    (long long)s.deleted);
	} while (e == ERR_OK && s.last_id != NULL &&
		 job_report_progress(job, result));
	arena_free(turns[0]);
	arena_free(turns[1]);
	if (e != ERR_OK)
		return e;
	job_set_result(job, result);
	return s.last_id == NULL
	           ? ERR_OK
	           : job_fail(job, ERR_CONFLICT, "the sweep was cancelled");
}

static enum err
sweep_sessions(struct job *job, struct db *db, const void *payload UNUSED)
{
	return sweep(job, db, &sweep_sessions_stmt, "sessions");
}

static enum err
sweep_verifications(struct job *job, struct db *db, const void *payload UNUSED)
{
	return sweep(job, db, &sweep_verifications_stmt, "verifications");
}

/* clang-format off */
const struct job_kind sweep_jobs[] = {
	{ .name = "session.sweep", .handle = sweep_sessions, .external = true,
	  .time_limit_s = SWEEP_LIMIT_S, .max_attempts = 3 },
	{ .name = "verification.sweep", .handle = sweep_verifications,
	  .external = true, .time_limit_s = SWEEP_LIMIT_S, .max_attempts = 3 },
	{ 0 },
};

const struct job_schedule sweep_schedules[] = {
	{ "session.sweep", "47 3 * * *", .kind = "session.sweep",
	  .single = true },
	{ "verification.sweep", "57 3 * * *", .kind = "verification.sweep",
	  .single = true },
	{ 0 },
};
/* clang-format on */
