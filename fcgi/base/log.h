/*
 * log: one JSON object per line on standard error, written by one write(2).
 *
 * The message states a fact, lower case, no full stop; values go into fields
 * of their own.  Text is escaped and capped, so a client cannot forge a line.
 * Secrets are the caller's to leave out.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdint.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

struct log_field {
	const char *name; /* NULL ends the list */
	const char *text; /* NULL: `number` counts */
	int64_t number;
};

#define LOG_TEXT(n, t) ((struct log_field){ .name = (n), .text = (t) ? (t) : "" })
#define LOG_NUM(n, v) ((struct log_field){ .name = (n), .number = (v) })

/*
 * log_event(LOG_WARN, "redis is away", LOG_TEXT("host", h), LOG_NUM("ms", n))
 */
#define log_event(level, ...)                                                  \
	log_event_(level, LOG_FIRST_(__VA_ARGS__, 0),                          \
	    (const struct log_field[]){ LOG_REST_(__VA_ARGS__, { 0 }) })
#define LOG_FIRST_(message, ...) message
#define LOG_REST_(message, ...) __VA_ARGS__

void log_event_(enum log_level level, const char *message,
    const struct log_field *fields);

/* Names the process in each line; `service` is not copied. */
void log_init(const char *service, enum log_level least);
/* Names the pool and the worker, after a fork. */
void log_set_worker(const char *pool, int worker);
/* The request that this thread is serving; NULL for none.  Not copied. */
void log_set_request(const char *request_id);

#endif
