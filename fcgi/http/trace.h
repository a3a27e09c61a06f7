/* trace: W3C Trace Context, as far as we take part in it: the trace's id. */
#ifndef HTTP_TRACE_H
#define HTTP_TRACE_H

struct arena;

/*
 * The trace id of a traceparent header, or NULL when there is none or it is
 * not valid.  `header` may be NULL.
 */
const char *trace_read_id(struct arena *a, const char *header);

#endif
