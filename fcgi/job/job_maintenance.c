#include "job/job_maintenance.h"

#include <stdlib.h>

#include "audit/audit.h"
#include "base/attr.h"
#include "base/clock.h"
#include "base/str.h"
#include "base/uuid.h"
#include "db/db_listen.h"
#include "job/job_count.h"
#include "job/job_reclaim.h"
#include "job/job_schedule.h"
#include "job/job_service.h"
#include "job/job_store.h"

enum {
	SECOND_US = 1000 * 1000,
	FLUSH_S = 5,
	RECLAIM_S = 5,
	AUDIT_S = 5,

	PRUNE_ROWS = 1000,
	PRUNE_PAUSE_FACTOR = 9,
	PRUNE_INTERVAL_MAX_S = 600,
	ELECT_S = 10,
};

/* State of the task that deletes jobs that ended long enough ago. */
struct retention {
	/* id of the last job looked at; "": start at the first job */
	char after[UUID_TEXT_SIZE];
	int64_t next_pass_us; /* when the next pass over all jobs may begin */
};

struct job_maintenance {
	const struct job_config *config;
	struct job_counts *counts;
	struct job_schedules *schedules;
	struct retention retention;
	/* The times at which the five periodic tasks are due. */
	int64_t schedule_us, reclaim_us, flush_us, prune_us, audit_us;
};

struct job_maintenance *
job_maintenance_new(const struct job_config *config, const struct job_set *set,
    struct job_counts *counts)
{
	struct job_maintenance *m = calloc(1, sizeof(*m));

	if (m == NULL)
		abort();
	m->config = config;
	m->counts = counts;
	m->schedules = job_schedules_new(set);
	return m;
}

void
job_maintenance_free(struct job_maintenance *m)
{
	if (m == NULL)
		return;
	job_schedules_free(m->schedules);
	free(m);
}

/* -- counters -- */

static const struct db_stmt count_jobs = {
	.name = "job_count_once",
	.sql = "SELECT job_count_once($1, $2, $3)",
	.nargs = 3,
};

void
job_maintenance_flush_counts(struct job_maintenance *m, struct db_listen *l,
    struct arena *a, int64_t wait_ms)
{
	struct job_counts_delta delta;
	enum err e;

	if (!job_counts_take(m->counts, a, wait_ms, &delta))
		return;
	e = db_listen_run(l, a, &count_jobs,
	    DB_ARGS(delta.source, job_store_number(a, delta.seq), delta.counts),
	    /* ret_rows= */ NULL);
	job_counts_sent(m->counts, e == ERR_OK);
}

/* -- retention -- */

/*
 * True in only one of all worker processes: the one whose session holds this
 * advisory lock. PostgreSQL releases the lock when the session ends. Earlier
 * releases, which may run beside this one, take the same lock, so its text must
 * stay.
 */
static const struct db_stmt elect = {
	.name = "job_retention_elect",
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
is_elected(struct db_listen *l, struct arena *a)
{
	struct db_rows rows;

	return db_listen_run(l, a, &elect, DB_NO_ARGS, &rows) == ERR_OK &&
	       db_get_bool(&rows, 0, 0);
}

/*
 * The interval between two passes over all jobs, and so the longest delay of a
 * deletion: a tenth of the shortest retention.
 */
static int64_t
pass_interval_us(const struct job_config *c)
{
	int64_t s = c->keep_completed_s;

	if (c->keep_cancelled_s < s)
		s = c->keep_cancelled_s;
	if (c->keep_discarded_s < s)
		s = c->keep_discarded_s;
	s /= 10;
	if (s < 1)
		s = 1;
	return (s > PRUNE_INTERVAL_MAX_S ? PRUNE_INTERVAL_MAX_S : s) *
	       SECOND_US;
}

/*
 * Looks at a thousand jobs in the order of their ids and deletes those whose
 * retention is over. Returns when to look at the next thousand: after a pause
 * nine times as long as this call took, so that deleting uses at most a tenth
 * of the time of one connection.
 */
static int64_t
prune_some(struct job_maintenance *m, struct db_listen *l, struct arena *a,
    int64_t now_us)
{
	const struct job_config *c = m->config;
	struct retention *r = &m->retention;
	const char *last;
	struct db_rows rows;
	enum err e;

	if (!is_elected(l, a))
		return now_us + ELECT_S * (int64_t)SECOND_US;
	if (r->after[0] == '\0')
		r->next_pass_us = now_us + pass_interval_us(c);
	e = db_listen_run(l, a, &prune,
	    DB_ARGS(r->after[0] != '\0' ? r->after : JOB_NO_ID,
		job_store_number(a, PRUNE_ROWS),
		job_store_number(a, c->keep_completed_s),
		job_store_number(a, c->keep_cancelled_s),
		job_store_number(a, c->keep_discarded_s)),
	    &rows);
	if (e != ERR_OK)
		return now_us + ELECT_S * (int64_t)SECOND_US;
	last = db_find_text(&rows, 0, 0);
	str_copy(r->after, sizeof(r->after), last != NULL ? last : "");
	if (last == NULL)
		return r->next_pass_us;
	return now_us +
	       (clock_monotonic_us() - now_us) * (1 + PRUNE_PAUSE_FACTOR);
}

/* -- what is due -- */

void
job_maintenance_run(struct job_maintenance *m, struct db_listen *l,
    struct arena *a, int64_t now_us)
{
	if (now_us >= m->schedule_us) {
		m->schedule_us = now_us + SECOND_US;
		/*
		 * If the database does not answer, the other tasks cannot be
		 * done either.
		 */
		if (!job_schedules_fire(m->schedules, l, a))
			return;
	}
	if (now_us >= m->reclaim_us) {
		m->reclaim_us = now_us + RECLAIM_S * (int64_t)SECOND_US;
		job_reclaim_silent(l, a, m->config->worker_lease_s);
	}
	if (now_us >= m->flush_us) {
		m->flush_us = now_us + FLUSH_S * (int64_t)SECOND_US;
		job_maintenance_flush_counts(m, l, a, /* wait_ms= */ 0);
	}
	if (now_us >= m->audit_us) {
		m->audit_us = now_us + AUDIT_S * (int64_t)SECOND_US;
		audit_chain(l, a);
	}
	if (now_us >= m->prune_us)
		m->prune_us = prune_some(m, l, a, now_us);
}

int64_t
job_maintenance_next_us(const struct job_maintenance *m)
{
	const int64_t dues[] = { m->reclaim_us, m->flush_us, m->prune_us };
	int64_t at_us = m->schedule_us;

	for (size_t i = 0; i < COUNT_OF(dues); i++) {
		if (dues[i] < at_us)
			at_us = dues[i];
	}
	return at_us;
}
