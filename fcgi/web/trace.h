/* trace: passes a W3C Trace Context on to other services. */
#ifndef WEB_TRACE_H
#define WEB_TRACE_H

struct arena;
struct req;

/*
 * Sets r->trace_id and r->trace_flags from a traceparent header; leaves them
 * alone when the header is NULL or not valid.
 */
void trace_read(struct req *r, const char *header);
/*
 * Makes header lines for a call to another service on behalf of a request: the
 * request's id and, if the request belongs to a trace, traceparent.  Writes two
 * pointers; the second is NULL when there is no trace.
 */
void trace_write_headers(const struct req *r, const char *ret_headers[2]);
/*
 * Returns the value of a traceparent header for a call that continues the trace
 * of an earlier request, as a job does.  Returns NULL when trace_id is NULL or
 * not valid.
 */
const char *trace_continue(struct arena *a, const char *trace_id);

#endif
