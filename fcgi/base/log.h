/*
 * log: one JSON object per line on standard error, written by one write(2).
 *
 * A line names an event (a constant) and has the values in fields.  Text is
 * escaped and limited in length, so a client cannot forge a line.  The caller
 * must not log secrets.
 *
 * Members, in this order: time, level, service, pool, worker, request_id,
 * trace_id (each when it is known), msg, the fields.  A text over LOG_TEXT_MAX
 * bytes is cut and ends in an ellipsis; fields that would make the line longer
 * than LOG_LINE_MAX bytes are left out, and "cut":true is added.
 *
 * The number of lines per event and source is limited (base/log_limit.h), and
 * writing never blocks after log_output_set_nonblocking() (base/log_output.h).
 * Lines that are not written for these reasons are reported by the events "log
 * lines dropped" and "log lines lost".
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/log_event.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum { LOG_TEXT_MAX = 1024, LOG_LINE_MAX = 8192 };

struct log_field {
	const char *name; /* NULL ends the list; not escaped */
	const char *text; /* NULL: the field is `number` */
	int64_t number;
};

/* A NULL text is logged as an empty one. */
#define LOG_TEXT(n, t) log_text_((n), (t))
#define LOG_NUM(n, v) \
	((struct log_field){ .name = (n), .number = (int64_t)(v) })

/*
 * log_event(LOG_WARN, EVENT_REDIS_SLOW, LOG_TEXT("host", h), LOG_NUM("ms", n))
 * The fields may be left out.
 */
#define log_event(level, ...)                           \
	log_event_((level), LOG_FIRST_(__VA_ARGS__, 0), \
	    (const struct log_field[]){ LOG_REST_(__VA_ARGS__, { 0 }) })
#define LOG_FIRST_(event, ...) event
#define LOG_REST_(event, ...) __VA_ARGS__

void log_event_(enum log_level level, struct log_event event,
    const struct log_field *fields);
/*
 * Like log_event_(), for events that a client can cause at will.  `source`
 * names the cause (a user id or an address), `code` is an HTTP status of at
 * least 400, or 0.  The number of lines is limited for each source and each
 * status.
 */
void log_event_from(enum log_level level, struct log_event event, int code,
    const char *source, const struct log_field *fields);
/*
 * Logs how many lines were dropped and not reported yet; with `all`, including
 * those of the last second.
 */
void log_report(bool all);

static inline struct log_field
log_text_(const char *name, const char *text)
{
	struct log_field f = { .name = name, .text = text ? text : "" };

	return f;
}

/* Sets the name of the service for each line; `service` is not copied. */
void log_init(const char *service, enum log_level least);
/* Sets the names of pool and worker, after a fork.  `pool` is not copied. */
void log_set_worker(const char *pool, int worker);
/*
 * Sets the ids of the request that this thread serves and of its trace; NULL
 * for none.  They are not copied.
 */
void log_set_request(const char *request_id, const char *trace_id);
/*
 * The ids that this thread has set, for another thread that works for the same
 * request.
 */
struct log_request {
	const char *request_id;
	const char *trace_id;
};
struct log_request log_get_request(void);
/* Parses debug, info, warn or error. */
MUST_CHECK bool log_level_read(const char *text, enum log_level *ret_level);

#endif
