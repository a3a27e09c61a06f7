#include "job/job_metrics.h"

#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "db/db.h"
#include "job/job_count.h"
#include "job/job_queues.h"
#include "job/job_service.h"

/*
 * A declared kind is listed with zeros before its first job: Prometheus does
 * not notice the increase of a counter whose first value is not 0.
 */
static const struct db_stmt select_stats = {
	.name = "job_metrics_stats",
	.sql = "SELECT coalesce(s.kind, k.name) AS kind,"
	       " coalesce(completed, 0), coalesce(failed, 0),"
	       " coalesce(discarded, 0),"
	       " coalesce(round(run_ms_sum / 1000.0, 3), 0),"
	       " array_to_string(ARRAY("
	       " SELECT coalesce(sum(n) OVER (ORDER BY i), 0)"
	       " FROM unnest(run_buckets) WITH ORDINALITY AS b (n, i)"
	       " ORDER BY i LIMIT 14), ' ')"
	       " FROM job_stat s FULL JOIN job_kind k ON k.name = s.kind"
	       " ORDER BY 1 LIMIT 500",
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

/*
 * Counts workers, including those without a heartbeat until their jobs are
 * reclaimed.
 */
static const struct db_stmt select_workers = {
	.name = "job_metrics_workers",
	.sql = "SELECT count(*), coalesce(round(extract(epoch FROM"
	       " clock_timestamp() - min(beat_at)), 3), 0) FROM job_worker",
	.read_only = true,
};
enum { WORKERS_COUNT, WORKERS_AGE_S };

static void
put_head(struct buf *b, const char *name, const char *type, const char *help)
{
	buf_printf(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/*
 * Writes the labels of a queue or kind. Their names need no escaping: CHECK
 * constraints allow only a-z0-9._-.
 */
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
	put_head(b, paused, "gauge", "1: nothing is claimed from the queue.");
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

/*
 * Writes the histogram. The column has the cumulative counts of all buckets,
 * separated by blanks.
 */
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
	put_counter(b, "kedge_jobs_completed_total",
	    "Jobs that were completed.", service, rows, COL_COMPLETED);
	put_counter(b, "kedge_job_failures_total",
	    "Attempts that failed, whether or not they were the last.", service,
	    rows, COL_FAILED);
	put_counter(b, "kedge_jobs_discarded_total",
	    "Jobs whose last attempt failed.", service, rows, COL_DISCARDED);
	put_head(
	    b, "kedge_job_run_seconds", "histogram", "How long attempts ran.");
	for (int i = 0; i < rows->count; i++)
		put_histogram(b, service, rows, i);
}

static void
put_workers(struct buf *b, const char *service, const struct db_rows *rows)
{
	static const char count[] = "kedge_job_workers",
			  age[] = "kedge_job_worker_heartbeat_age_seconds";

	put_head(b, count, "gauge", "Worker processes for jobs, on all hosts.");
	buf_printf(b, "%s{service=\"%s\"} %s\n", count, service,
	    db_get_text(rows, 0, WORKERS_COUNT));
	put_head(b, age, "gauge", "Age of the oldest of their heartbeats.");
	buf_printf(b, "%s{service=\"%s\"} %s\n", age, service,
	    db_get_text(rows, 0, WORKERS_AGE_S));
}

void
job_metrics_write(struct job_service *service, struct buf *b)
{
	const char *name = service->name;
	struct arena *a = arena_new();
	struct job_queue_list queues;
	struct db_rows stats, workers;

	if (job_queues_list(service->db, a, service->set, &queues) == ERR_OK &&
	    db_run(service->db, a, &select_workers, DB_NO_ARGS, &workers) ==
		ERR_OK &&
	    db_run(service->db, a, &select_stats, DB_NO_ARGS, &stats) ==
		ERR_OK) {
		put_workers(b, name, &workers);
		put_queues(b, name, &queues);
		put_stats(b, name, &stats);
	}
	arena_free(a);
}
