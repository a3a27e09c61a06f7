/*
 * log: writes one JSON object per line to standard error, with one write(2)
 * each.
 *
 * A line has the name of an event (a constant), and values in fields.  Text is
 * escaped and limited in length, so that a client cannot forge a line.  The
 * caller must not log secrets.
 *
 * The members of a line are, in this order: time, level, service, pool, worker,
 * request_id, trace_id (each when it is known), msg, the fields.  A text over
 * LOG_TEXT_MAX bytes is cut and ends in an ellipsis; fields that would make the
 * line longer than LOG_LINE_MAX bytes are left out, and "cut":true is added.
 *
 * The number of lines per event and source is limited (base/log_limit.h), and
 * after log_output_set_nonblocking() writing never blocks (base/log_output.h).
 * The events "log lines dropped" and "log lines lost" report how many lines
 * were not written for these two reasons.
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
	const char *name; /* not escaped; NULL ends the list of fields */
	const char *text; /* NULL: the value is `number` */
	int64_t number;
};

/* A field with a text; NULL is logged as an empty text. */
#define LOG_TEXT(n, t) log_text_((n), (t))
#define LOG_NUM(n, v) \
	((struct log_field){ .name = (n), .number = (int64_t)(v) })

/*
 * Logs an event and its fields, of which there may be none:
 *
 *   log_event(LOG_WARN, EVENT_REDIS_SLOW,
 *       LOG_TEXT("host", h), LOG_NUM("ms", n));
 */
#define log_event(level, ...)                           \
	log_event_((level), LOG_FIRST_(__VA_ARGS__, 0), \
	    (const struct log_field[]){ LOG_REST_(__VA_ARGS__, { 0 }) })
#define LOG_FIRST_(event, ...) event
#define LOG_REST_(event, ...) __VA_ARGS__

void log_event_(enum log_level level, struct log_event event,
    const struct log_field *fields);
/*
 * Like log_event_(), for events that a client can cause as often as it wants.
 * `source` names the cause (a user id or an address); `code` is an HTTP status
 * of at least 400, or 0.  The number of lines is limited for each source and
 * each status.
 */
void log_event_from(enum log_level level, struct log_event event, int code,
    const char *source, const struct log_field *fields);
/*
 * Logs how many lines were dropped since the last report.  Without `all`, a
 * kind of line of which the first was dropped less than a second ago is left to
 * a later call.
 */
void log_report(bool all);

static inline struct log_field
log_text_(const char *name, const char *text)
{
	struct log_field f = { .name = name, .text = text ? text : "" };

	return f;
}

/*
 * Sets the name of the service, which each line has, and the lowest level that
 * is logged.  `service` is not copied.
 */
void log_init(const char *service, enum log_level least);
/*
 * Sets the names of the pool and the worker, which each line has.  To be called
 * after a fork.  `pool` is not copied.
 */
void log_set_worker(const char *pool, int worker);
/*
 * Sets the id of the request that this thread serves, and the id of its trace;
 * NULL for none.  The texts are not copied.
 */
void log_set_request(const char *request_id, const char *trace_id);
/*
 * The ids that log_set_request() has set in this thread, to set them in another
 * thread that works for the same request.
 */
struct log_request {
	const char *request_id;
	const char *trace_id;
};
struct log_request log_get_request(void);
/* Parses the name of a level: debug, info, warn or error. */
MUST_CHECK bool log_level_read(const char *text, enum log_level *ret_level);

#endif
