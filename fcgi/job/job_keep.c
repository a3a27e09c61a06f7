#include "job/job_keep.h"

#include <stdbool.h>
#include <stdio.h>

#include "app/service_config.h"
#include "base/clock.h"
#include "db/db_listen.h"
#include "job/job_store.h"

enum {
	STEP_ROWS = 1000,
	REST_FACTOR = 9,
	SECOND_US = 1000 * 1000,
	SWEEP_MAX_S = 600,
	ELECT_S = 10,
};

void
job_keep_init(struct job_keep *k, const struct service_config *config)
{
	*k = (struct job_keep){ .config = config };
}

/* The session has it already, or gets it; it goes with the session. */
static const struct db_stmt elect = {
	.name = "job_keep_elect",
	.sql = "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory'"
	       " AND pid = pg_backend_pid() AND granted)"
	       " OR pg_try_advisory_lock(hashtext('job keeper'))",
};

static const struct db_stmt prune = {
	.name = "job_prune",
	.sql = "SELECT job_prune($1, $2, $3, $4, $5)",
	.nargs = 5,
};

static bool
is_keeper(struct db_listen *l, struct arena *a)
{
	struct db_rows rows;

	return db_listen_run(l, a, &elect, DB_NO_ARGS, &rows) == ERR_OK &&
	       db_get_bool(&rows, 0, 0);
}

static int64_t
sweep_us(const struct service_config *c)
{
	int64_t s = c->keep_completed_s;

	if (c->keep_cancelled_s < s)
		s = c->keep_cancelled_s;
	if (c->keep_discarded_s < s)
		s = c->keep_discarded_s;
	s /= 10;
	if (s < 1)
		s = 1;
	return (s > SWEEP_MAX_S ? SWEEP_MAX_S : s) * SECOND_US;
}

int64_t
job_keep_step(
    struct job_keep *k, struct db_listen *l, struct arena *a, int64_t now_us)
{
	const struct service_config *c = k->config;
	const char *last;
	struct db_rows rows;
	enum err e;

	if (!is_keeper(l, a))
		return now_us + ELECT_S * (int64_t)SECOND_US;
	if (k->after[0] == '\0')
		k->sweep_us = now_us + sweep_us(c);
	e = db_listen_run(l, a, &prune,
	    DB_ARGS(k->after[0] != '\0' ? k->after : JOB_NO_ID,
		job_store_number(a, STEP_ROWS),
		job_store_number(a, c->keep_completed_s),
		job_store_number(a, c->keep_cancelled_s),
		job_store_number(a, c->keep_discarded_s)),
	    &rows);
	if (e != ERR_OK)
		return now_us + ELECT_S * (int64_t)SECOND_US;
	last = db_find_text(&rows, 0, 0);
	snprintf(k->after, sizeof(k->after), "%s", last != NULL ? last : "");
	if (last == NULL)
		return k->sweep_us;
	return now_us + (clock_monotonic_us() - now_us) * (1 + REST_FACTOR);
}
