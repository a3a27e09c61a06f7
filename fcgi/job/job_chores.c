#include "job/job_chores.h"

#include <stdlib.h>

#include "app/service_config.h"
#include "base/attr.h"
#include "db/db_listen.h"
#include "job/job_count.h"
#include "job/job_keep.h"
#include "job/job_rescue.h"
#include "job/job_schedule.h"
#include "job/job_store.h"

enum { SECOND_US = 1000 * 1000, COUNT_S = 5, RESCUE_S = 5 };

struct job_chores {
	const struct service_config *config;
	struct job_counts *counts;
	struct job_schedules *schedules;
	struct job_keep keep;
	/* When they are due. */
	int64_t schedule_us, rescue_us, count_us, keep_us;
};

struct job_chores *
job_chores_new(const struct service_config *config, const struct job_set *set,
    struct job_counts *counts)
{
	struct job_chores *c = calloc(1, sizeof(*c));

	if (c == NULL)
		abort();
	c->config = config;
	c->counts = counts;
	c->schedules = job_schedules_new(set);
	job_keep_init(&c->keep, config);
	return c;
}

void
job_chores_free(struct job_chores *c)
{
	if (c == NULL)
		return;
	job_schedules_free(c->schedules);
	free(c);
}

static const struct db_stmt count_jobs = {
	.name = "job_count_once",
	.sql = "SELECT job_count_once($1, $2, $3)",
	.nargs = 3,
};

void
job_chores_carry(
    struct job_chores *c, struct db_listen *l, struct arena *a, int64_t wait_ms)
{
	struct job_counts_news news;
	enum err e;

	if (!job_counts_take(c->counts, a, wait_ms, &news))
		return;
	e = db_listen_run(l, a, &count_jobs,
	    DB_ARGS(news.source, job_store_number(a, news.seq), news.counts),
	    /* ret_rows= */ NULL);
	job_counts_sent(c->counts, e == ERR_OK);
}

void
job_chores_do(
    struct job_chores *c, struct db_listen *l, struct arena *a, int64_t now_us)
{
	if (now_us >= c->schedule_us) {
		c->schedule_us = now_us + SECOND_US;
		/* The rest can wait until the database is back. */
		if (!job_schedules_fire(c->schedules, l, a))
			return;
	}
	if (now_us >= c->rescue_us) {
		c->rescue_us = now_us + RESCUE_S * (int64_t)SECOND_US;
		job_rescue_silent(l, a, c->config->worker_lease_s);
	}
	if (now_us >= c->count_us) {
		c->count_us = now_us + COUNT_S * (int64_t)SECOND_US;
		job_chores_carry(c, l, a, /* wait_ms= */ 0);
	}
	if (now_us >= c->keep_us)
		c->keep_us = job_keep_step(&c->keep, l, a, now_us);
}

int64_t
job_chores_next_us(const struct job_chores *c)
{
	const int64_t dues[] = { c->rescue_us, c->count_us, c->keep_us };
	int64_t at_us = c->schedule_us;

	for (size_t i = 0; i < COUNT_OF(dues); i++) {
		if (dues[i] < at_us)
			at_us = dues[i];
	}
	return at_us;
}
