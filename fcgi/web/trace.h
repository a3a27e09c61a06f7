/* trace: W3C Trace Context, as far as we take part in it: we pass it on. */
#ifndef WEB_TRACE_H
#define WEB_TRACE_H

struct arena;
struct req;

/*
 * Sets trace_id and trace_flags by a traceparent header; leaves them alone when
 * it is not valid, or NULL.
 */
void trace_read(struct req *r, const char *header);
/*
 * What a call to another service says of the request that it is made for, as
 * whole header lines: the request's id, and, if it is part of a trace, that.
 * Writes two, the second NULL when there is no trace.
 */
void trace_write_headers(const struct req *r, const char *ret_headers[2]);
/*
 * The value of a traceparent header for a call that continues a trace whose
 * request is over, as a job does.  NULL: trace_id is NULL or no valid id.
 */
const char *trace_continue(struct arena *a, const char *trace_id);

#endif
