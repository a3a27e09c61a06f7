#include "job/job_metrics.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "db/db.h"
#include "http/service_main.h"
#include "job/job_buckets.h"
#include "job/job_queues.h"

enum { TEXT_MAX_BYTES = 1 << 20 };

/* What this process wrote last. */
static struct {
	pthread_mutex_t lock; /* held while it is made: the others wait */
	char *text; /* NULL: none yet */
	size_t len;
	int64_t made_us;
} last = { .lock = PTHREAD_MUTEX_INITIALIZER };

static const struct db_stmt select_stats = {
	.name = "job_metrics_stats",
	.sql = "SELECT kind, completed, failed, discarded,"
	       " round(run_ms_sum / 1000.0, 3), array_to_string(ARRAY("
	       " SELECT coalesce(sum(n) OVER (ORDER BY i), 0)"
	       " FROM unnest(run_buckets) WITH ORDINALITY AS b (n, i)"
	       " ORDER BY i LIMIT 14), ' ')"
	       " FROM job_stat ORDER BY kind LIMIT 500",
	.read_only = true,
};
enum {
	COL_KIND,
	COL_COMPLETED,
	COL_FAILED,
	COL_DISCARDED,
	COL_SUM_S,
	COL_UPTO
};

static void
put_head(struct buf *b, const char *name, const char *type, const char *help)
{
	buf_printf(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* Names of queues and kinds need no escaping: their columns say so. */
static void
put_gauge(struct buf *b, const char *name, const char *service,
    const struct job_queue_view *q, const char *state, int64_t value)
{
	buf_printf(b, "%s{service=\"%s\",queue=\"%s\"", name, service, q->name);
	if (state != NULL)
		buf_printf(b, ",state=\"%s\"", state);
	buf_printf(b, "} %lld\n", (long long)value);
}

static void
put_queues(
    struct buf *b, const char *service, const struct job_queue_list *list)
{
	static const char depth[] = "kedge_job_queue_depth",
			  age[] = "kedge_job_queue_oldest_age_seconds",
			  paused[] = "kedge_job_queue_paused";

	put_head(b, depth, "gauge", "Jobs that have not ended.");
	for (int i = 0; i < list->count; i++) {
		const struct job_queue_view *q = &list->items[i];

		put_gauge(b, depth, service, q, "available", q->available);
		put_gauge(b, depth, service, q, "scheduled", q->scheduled);
		put_gauge(b, depth, service, q, "retryable", q->retryable);
		put_gauge(b, depth, service, q, "running", q->running);
	}
	put_head(b, age, "gauge",
	    "How long the first of the available jobs has waited.");
	for (int i = 0; i < list->count; i++)
		put_gauge(b, age, service, &list->items[i], /* state= */ NULL,
		    list->items[i].oldest_age_s);
	put_head(b, paused, "gauge", "1: nothing is taken from it.");
	for (int i = 0; i < list->count; i++)
		put_gauge(b, paused, service, &list->items[i],
		    /* state= */ NULL, list->items[i].paused);
}

static void
put_counter(struct buf *b, const char *name, const char *help,
    const char *service, const struct db_rows *rows, int column)
{
	put_head(b, name, "counter", help);
	for (int i = 0; i < rows->count; i++)
		buf_printf(b, "%s{service=\"%s\",kind=\"%s\"} %s\n", name,
		    service, db_get_text(rows, i, COL_KIND),
		    db_get_text(rows, i, column));
}

/* The counts up to each bucket stand in the column one after the other. */
static void
put_histogram(
    struct buf *b, const char *service, const struct db_rows *rows, int row)
{
	static const char name[] = "kedge_job_run_seconds";
	const char *kind = db_get_text(rows, row, COL_KIND);
	const char *upto = db_get_text(rows, row, COL_UPTO), *count = "0";
	int len = 1;

	for (size_t i = 0; i < JOB_BUCKETS; i++) {
		if (*upto != '\0') {
			count = upto;
			len = (int)strcspn(upto, " ");
			upto += len;
			upto += strspn(upto, " ");
		}
		buf_printf(b,
		    "%s_bucket{service=\"%s\",kind=\"%s\",le=\"%s\"} %.*s\n",
		    name, service, kind, job_bucket_bound(i), len, count);
	}
	buf_printf(b, "%s_sum{service=\"%s\",kind=\"%s\"} %s\n", name, service,
	    kind, db_get_text(rows, row, COL_SUM_S));
	buf_printf(b, "%s_count{service=\"%s\",kind=\"%s\"} %.*s\n", name,
	    service, kind, len, count);
}

static void
put_stats(struct buf *b, const char *service, const struct db_rows *rows)
{
	put_counter(b, "kedge_jobs_completed_total", "Jobs that were done.",
	    service, rows, COL_COMPLETED);
	put_counter(b, "kedge_job_failures_total",
	    "Attempts that failed, tried again or not.", service, rows,
	    COL_FAILED);
	put_counter(b, "kedge_jobs_discarded_total",
	    "Jobs that failed for good.", service, rows, COL_DISCARDED);
	put_head(
	    b, "kedge_job_run_seconds", "histogram", "How long attempts ran.");
	for (int i = 0; i < rows->count; i++)
		put_histogram(b, service, rows, i);
}

static bool
make(struct service_process *process, struct arena *a, struct buf *b)
{
	const char *service = process->program->name;
	struct job_queue_list queues;
	struct db_rows stats;

	buf_init(b, a, TEXT_MAX_BYTES);
	if (job_queues_list(process->db, a, process->program->jobs, &queues) !=
		ERR_OK ||
	    db_run(process->db, a, &select_stats, DB_NO_ARGS, &stats) != ERR_OK)
		return false;
	put_queues(b, service, &queues);
	put_stats(b, service, &stats);
	return !buf_failed(b);
}

/* Also when there is nothing to say: the database is not asked any sooner. */
static void
refresh(struct service_process *process)
{
	struct arena *a = arena_new();
	struct buf b;

	free(last.text);
	last.text = NULL;
	last.len = 0;
	if (make(process, a, &b)) {
		last.text = malloc(b.len + 1);
		if (last.text == NULL)
			abort();
		memcpy(last.text, b.data, b.len + 1);
		last.len = b.len;
	}
	last.made_us = clock_monotonic_us();
	arena_free(a);
}

void
job_metrics_write(struct service_process *process, struct buf *b)
{
	int64_t age_us;

	pthread_mutex_lock(&last.lock);
	age_us = clock_monotonic_us() - last.made_us;
	if (last.made_us == 0 || age_us >= JOB_METRICS_MS * 1000)
		refresh(process);
	buf_put(b, last.text != NULL ? last.text : "", last.len);
	pthread_mutex_unlock(&last.lock);
}
