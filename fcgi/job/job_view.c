#include "job/job_view.h"

#include "base/arena.h"
#include "web/page.h"
#include "web/request.h"

/* clang-format off */
/*
 * The fields of a job, in a list and alone. The job is the member M of the
 * struct T.
 */
#define JOB_FIELDS(T, M)                                                       \
	{ FIELD(T, M id, "id"), .required = true, .format = FMT_UUID },        \
	{ FIELD(T, M kind, "kind"), .required = true },                        \
	{ FIELD(T, M queue, "queue"), .required = true },                      \
	{ FIELD(T, M state, "state"), .required = true,                        \
	  .one_of = job_states },                                              \
	{ FIELD(T, M priority, "priority"), .required = true,                  \
	  .doc = "Jobs with 0 are claimed first, those with 9 last." },                                    \
	{ FIELD(T, M attempt, "attempt"), .required = true,                    \
	  .doc = "The number of the running or last attempt; 0: none yet." },     \
	{ FIELD(T, M max_attempts, "maxAttempts"), .required = true },         \
	{ FIELD(T, M cancel_requested, "cancelRequested"), .required = true,   \
	  .doc = "True: the job runs and was asked to stop." },                           \
	{ FIELD(T, M tags, "tags"), .required = true },                        \
	{ FIELD(T, M run_at, "runAt"), .required = true,                       \
	  .format = FMT_DATE_TIME },                                           \
	{ FIELD(T, M created_at, "createdAt"), .required = true,               \
	  .format = FMT_DATE_TIME },                                           \
	{ FIELD(T, M started_at, "startedAt"), .required = true,               \
	  .nullable = true, .format = FMT_DATE_TIME,                           \
	  .doc = "When the last attempt began." },                             \
	{ FIELD(T, M finished_at, "finishedAt"), .required = true,             \
	  .nullable = true, .format = FMT_DATE_TIME },                         \
	{ FIELD(T, M worker, "worker"), .required = true, .nullable = true,    \
	  .doc = "The worker that has claimed it." },                                 \
	{ FIELD(T, M last_error, "lastError"), .required = true,               \
	  .nullable = true, .doc = "The error of the last attempt." },     \
	{ FIELD(T, M request_id, "requestId"), .required = true,               \
	  .nullable = true, .doc = "The id of the request that enqueued it." },       \
	{ FIELD(T, M trace_id, "traceId"), .required = true, .nullable = true }

static const struct field attempt_fields[] = {
	{ FIELD(struct job_attempt, attempt, "attempt"), .required = true },
	{ FIELD(struct job_attempt, started_at, "startedAt"),
	  .required = true, .nullable = true, .format = FMT_DATE_TIME },
	{ FIELD(struct job_attempt, ended_at, "endedAt"),
	  .required = true, .nullable = true, .format = FMT_DATE_TIME },
	{ FIELD(struct job_attempt, outcome, "outcome"),
	  .required = true, .nullable = true,
	  .doc = "completed, failed, discarded, snoozed or cancelled." },
	{ FIELD(struct job_attempt, worker, "worker"),
	  .required = true, .nullable = true },
	{ FIELD(struct job_attempt, error, "error"),
	  .required = true, .nullable = true },
	{ 0 },
};
static const struct schema attempt_schema =
	SCHEMA_NAMED("JobAttempt", struct job_attempt, attempt_fields);
const struct field job_detail_fields[] = {
	JOB_FIELDS(struct job_detail, job.),
	{ FIELD(struct job_detail, job.attempts, "attempts"), .required = true,
	  .of = &attempt_schema, .doc = "Oldest first." },
	{ FIELD(struct job_detail, rest, "^(payload|result)$"),
	  .splice = SPLICE_ANY, .doc = "The input and the result of the job: any JSON." },
	{ 0 },
};
const struct schema job_detail_schema = JOB_DETAIL_SCHEMA;
static const struct field summary_fields[] = {
	JOB_FIELDS(struct job_view, ),
	{ 0 },
};
const struct schema job_summary_schema =
	SCHEMA_NAMED("JobSummary", struct job_view, summary_fields);
const struct field job_page_fields[] = {
	{ FIELD(struct job_page, items, "items"), .required = true,
	  .of = &job_summary_schema, .doc = "Newest first." },
	{ FIELD(struct job_page, next_cursor, "nextCursor"), .required = true,
	  .nullable = true,
	  .doc = "null on the last page. With filters an earlier page may "
	    "have few items, or none." },
	{ 0 },
};
const struct field job_queue_fields[] = {
	{ FIELD(struct job_queue_view, name, "name"), .required = true },
	{ FIELD(struct job_queue_view, paused, "paused"), .required = true,
	  .doc = "True: nothing is claimed from it; running jobs go on." },
	{ FIELD(struct job_queue_view, paused_at, "pausedAt"),
	  .required = true, .nullable = true, .format = FMT_DATE_TIME },
	{ FIELD(struct job_queue_view, concurrency, "concurrency"),
	  .required = true, .doc = "How many of its jobs all workers together may run at once; "
	    "0: no limit." },
	{ FIELD(struct job_queue_view, available, "available"),
	  .required = true, .doc = "Jobs that can be claimed now." },
	{ FIELD(struct job_queue_view, scheduled, "scheduled"),
	  .required = true, .doc = "Jobs that wait for a time." },
	{ FIELD(struct job_queue_view, retryable, "retryable"),
	  .required = true, .doc = "Jobs that failed and wait for a retry. "
	    "When 20000 or more jobs wait in all queues together, they are "
	    "counted as scheduled." },
	{ FIELD(struct job_queue_view, running, "running"), .required = true,
	  .doc = "Jobs that a worker has claimed." },
	{ FIELD(struct job_queue_view, oldest_at, "oldestAt"),
	  .required = true, .nullable = true, .format = FMT_DATE_TIME,
	  .doc = "Since when the oldest available job can be claimed." },
	{ FIELD(struct job_queue_view, oldest_age_s, "oldestAgeSeconds"),
	  .required = true },
	{ 0 },
};
const struct schema job_queue_schema = JOB_QUEUE_SCHEMA;
static const struct field schedule_fields[] = {
	{ FIELD(struct job_schedule_view, name, "name"), .required = true },
	{ FIELD(struct job_schedule_view, cron, "cron"), .required = true },
	{ FIELD(struct job_schedule_view, timezone, "timezone"),
	  .required = true },
	{ FIELD(struct job_schedule_view, kind, "kind"), .required = true },
	{ FIELD(struct job_schedule_view, next_at, "nextAt"),
	  .required = true, .format = FMT_DATE_TIME },
	{ FIELD(struct job_schedule_view, last_at, "lastAt"),
	  .required = true, .nullable = true, .format = FMT_DATE_TIME,
	  .doc = "The last time for which it enqueued a job." },
	{ FIELD(struct job_schedule_view, last_job_id, "lastJobId"),
	  .required = true, .nullable = true, .format = FMT_UUID },
	{ 0 },
};
const struct schema job_schedule_schema = SCHEMA_NAMED(
	"JobSchedule", struct job_schedule_view, schedule_fields);
/* clang-format on */

void
job_view_detail(
    struct arena *a, const struct job_view *job, struct job_detail *ret_detail)
{
	*ret_detail = (struct job_detail){
		.job = *job,
		.rest = arena_printf(a, "\"payload\":%s,\"result\":%s",
		    job->payload, job->result != NULL ? job->result : "null"),
	};
}

static const char *
job_position(struct arena *a UNUSED, const void *item)
{
	return ((const struct job_view *)item)->id;
}

void
job_view_page(struct req *r, const char *scope, const struct job_list *list,
    struct job_page *ret_page)
{
	page_write(r,
	    &(struct page){
		.of = &job_summary_schema,
		.items = list->items,
		.count = list->count,
		.limit = list->count,
		.scope = scope,
		.position = job_position,
		.resume = list->next,
	    },
	    &ret_page->items, &ret_page->next_cursor);
}
