#include "job/job_reclaim.h"

#include "base/log.h"
#include "base/str.h"
#include "db/db.h"
#include "db/db_listen.h"
#include "job/job_store.h"
#include "job/log_events.h"

void
job_failure_log(const struct job_failure *failure)
{
	log_event(LOG_WARN,
	    failure->discarded ? EVENT_JOB_DISCARDED : EVENT_JOB_ATTEMPT_FAILED,
	    LOG_TEXT("kind", failure->kind), LOG_TEXT("job", failure->id),
	    LOG_NUM("attempt", failure->attempt),
	    LOG_TEXT("error", failure->error), LOG_NUM("ms", failure->ms));
}

#define RECLAIMED \
	"SELECT id, kind, attempt, outcome, state, error, ago_ms FROM "

static const struct db_stmt reclaim = {
	.name = "job_reclaim",
	.sql = RECLAIMED "job_rescue(ARRAY[$1::bigint], $2, $3)",
	.nargs = 3,
};
static const struct db_stmt reclaim_silent = {
	.name = "job_reclaim_silent",
	.sql = RECLAIMED "job_rescue_silent($1)",
	.nargs = 1,
};
enum {
	RECLAIMED_ID,
	RECLAIMED_KIND,
	RECLAIMED_ATTEMPT,
	RECLAIMED_OUTCOME,
	RECLAIMED_STATE,
	RECLAIMED_ERROR,
	RECLAIMED_AGO_MS,
};

static void
log_failures(const struct db_rows *rows)
{
	for (int i = 0; i < rows->count; i++) {
		const char *state = db_get_text(rows, i, RECLAIMED_STATE);

		if (!str_eq(
			db_get_text(rows, i, RECLAIMED_OUTCOME), "failed") ||
		    str_eq(state, "cancelled"))
			continue;
		job_failure_log(&(struct job_failure){
		    .kind = db_get_text(rows, i, RECLAIMED_KIND),
		    .id = db_get_text(rows, i, RECLAIMED_ID),
		    .attempt = db_get_i64(rows, i, RECLAIMED_ATTEMPT),
		    .discarded = str_eq(state, "discarded"),
		    .error = db_find_text(rows, i, RECLAIMED_ERROR),
		    .ms = db_get_i64(rows, i, RECLAIMED_AGO_MS),
		});
	}
}

enum err
job_reclaim(struct db *db, struct arena *a, int64_t worker_id,
    const char *running, const char *error, int64_t *ret_jobs)
{
	struct db_rows rows;
	enum err e = db_run(db, a, &reclaim,
	    DB_ARGS(job_store_number(a, worker_id), running, error), &rows);

	if (e != ERR_OK)
		return e;
	log_failures(&rows);
	*ret_jobs = rows.count;
	return ERR_OK;
}

enum err
job_reclaim_listening(struct db_listen *l, struct arena *a, int64_t worker_id,
    const char *running, const char *error)
{
	struct db_rows rows;
	enum err e = db_listen_run(l, a, &reclaim,
	    DB_ARGS(job_store_number(a, worker_id), running, error), &rows);

	if (e == ERR_OK)
		log_failures(&rows);
	return e;
}

void
job_reclaim_silent(struct db_listen *l, struct arena *a, int64_t lease_s)
{
	struct db_rows rows;

	if (db_listen_run(l, a, &reclaim_silent,
		DB_ARGS(job_store_number(a, lease_s)), &rows) != ERR_OK ||
	    rows.count == 0)
		return;
	log_event(
	    LOG_WARN, EVENT_JOBS_RECLAIMED_SILENT, LOG_NUM("jobs", rows.count));
	log_failures(&rows);
}
