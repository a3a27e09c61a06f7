/*
 * job_view: jobs on the wire, as rows of schemas that several routes share.
 */
#ifndef JOB_JOB_VIEW_H
#define JOB_JOB_VIEW_H

#include "base/attr.h"
#include "base/err.h"
#include "job/job_admin.h"
#include "job/job_queues.h"
#include "web/schema.h"

struct arena;
struct req;

/* A job with all there is: of struct job_view, by job_view_whole(). */
struct job_whole {
	struct job_view job;
	const char *rest; /* JSON members */
};
extern const struct field job_whole_fields[];
#define JOB_WHOLE_SCHEMA SCHEMA_NAMED("Job", struct job_whole, job_whole_fields)
extern const struct schema job_whole_schema;

/* `text` is an array of strings, as array_to_json() writes text[]. */
struct strings job_view_strings(struct arena *a, const char *text);

/* *ret_whole points into *job. */
void job_view_whole(
    struct arena *a, const struct job_view *job, struct job_whole *ret_whole);

/* A page of jobs without payload, result and attempts. */
struct job_page {
	struct objects items;
	const char *next_cursor;
};
extern const struct field job_page_fields[];
#define JOB_PAGE_SCHEMA \
	SCHEMA_NAMED("JobPage", struct job_page, job_page_fields)

/* Of struct job_view, struct job_queue_view and struct job_schedule_view. */
extern const struct schema job_summary_schema;
extern const struct field job_queue_fields[];
#define JOB_QUEUE_SCHEMA \
	SCHEMA_NAMED("JobQueue", struct job_queue_view, job_queue_fields)
extern const struct schema job_queue_schema;
extern const struct schema job_schedule_schema;

enum { JOB_PAGE_MAX = 100 };
#define JOB_PAGE_DEFAULT "50"

void job_view_page(struct req *r, const char *scope,
    const struct job_list *list, struct job_page *ret_page);

#endif
