/* job_trace: W3C Trace Context of the request that enqueued a job, passed on.
 */
#ifndef JOB_JOB_TRACE_H
#define JOB_JOB_TRACE_H

struct arena;

/*
 * The value of a traceparent header for one call of a job: the trace of the
 * job, and a parent id of its own.  NULL: the job has no trace, or `trace_id`,
 * which SQL may have written, is none.
 */
const char *job_trace_parent(struct arena *a, const char *trace_id);

#endif
