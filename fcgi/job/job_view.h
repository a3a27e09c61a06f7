/*
 * job_view: the schemas of jobs in HTTP responses, which several routes share.
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

/* A job with its payload, result and attempts; job_view_detail() fills it. */
struct job_detail {
	struct job_view job;
	const char *rest; /* payload and result, as JSON members */
};
extern const struct field job_detail_fields[];
#define JOB_DETAIL_SCHEMA \
	SCHEMA_NAMED("Job", struct job_detail, job_detail_fields)
extern const struct schema job_detail_schema;

/* *ret_detail contains pointers into *job, so *job must outlive it. */
void job_view_detail(
    struct arena *a, const struct job_view *job, struct job_detail *ret_detail);

/* A page of a list of jobs, without their payload, result and attempts. */
struct job_page {
	struct objects items;
	const char *next_cursor;
};
extern const struct field job_page_fields[];
#define JOB_PAGE_SCHEMA \
	SCHEMA_NAMED("JobPage", struct job_page, job_page_fields)

/* The schemas of the structs in job_admin.h and job_queues.h. */
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
