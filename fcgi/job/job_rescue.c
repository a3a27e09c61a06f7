#include "job/job_rescue.h"

#include "base/log.h"
#include "base/str.h"
#include "db/db.h"
#include "db/db_listen.h"
#include "job/job_failure.h"
#include "job/job_store.h"

#define FREED "SELECT id, kind, attempt, outcome, state, error, ago_ms FROM "

static const struct db_stmt rescue = {
	.name = "job_rescue",
	.sql = FREED "job_rescue(ARRAY[$1::bigint], $2, $3)",
	.nargs = 3,
};
static const struct db_stmt rescue_silent = {
	.name = "job_rescue_silent",
	.sql = FREED "job_rescue_silent($1)",
	.nargs = 1,
};
enum {
	FREED_ID,
	FREED_KIND,
	FREED_ATTEMPT,
	FREED_OUTCOME,
	FREED_STATE,
	FREED_ERROR,
	FREED_AGO_MS,
};

static void
log_failures(const struct db_rows *rows)
{
	for (int i = 0; i < rows->count; i++) {
		const char *state = db_get_text(rows, i, FREED_STATE);

		if (!str_eq(db_get_text(rows, i, FREED_OUTCOME), "failed") ||
		    str_eq(state, "cancelled"))
			continue;
		job_failure_log(&(struct job_failure){
		    .kind = db_get_text(rows, i, FREED_KIND),
		    .id = db_get_text(rows, i, FREED_ID),
		    .attempt = db_get_i64(rows, i, FREED_ATTEMPT),
		    .discarded = str_eq(state, "discarded"),
		    .error = db_find_text(rows, i, FREED_ERROR),
		    .ms = db_get_i64(rows, i, FREED_AGO_MS),
		});
	}
}

enum err
job_rescue(struct db *db, struct arena *a, int64_t worker_id,
    const char *running, const char *error, int64_t *ret_jobs)
{
	struct db_rows rows;
	enum err e = db_run(db, a, &rescue,
	    DB_ARGS(job_store_number(a, worker_id), running, error), &rows);

	if (e != ERR_OK)
		return e;
	log_failures(&rows);
	*ret_jobs = rows.count;
	return ERR_OK;
}

enum err
job_rescue_by(struct db_listen *l, struct arena *a, int64_t worker_id,
    const char *running, const char *error)
{
	struct db_rows rows;
	enum err e = db_listen_run(l, a, &rescue,
	    DB_ARGS(job_store_number(a, worker_id), running, error), &rows);

	if (e == ERR_OK)
		log_failures(&rows);
	return e;
}

void
job_rescue_silent(struct db_listen *l, struct arena *a, int64_t lease_s)
{
	struct db_rows rows;

	if (db_listen_run(l, a, &rescue_silent,
		DB_ARGS(job_store_number(a, lease_s)), &rows) != ERR_OK ||
	    rows.count == 0)
		return;
	log_event(LOG_WARN, "jobs of silent workers were freed",
	    LOG_NUM("jobs", rows.count));
	log_failures(&rows);
}
