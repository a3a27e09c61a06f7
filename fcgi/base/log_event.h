/*
 * log_event: the name of a log event, which is a constant phrase that states a
 * fact, in lower case and without a full stop.  Each folder defines its names
 * in log_events.h, and docs/LOGS.md explains them; t/03-logs.t compares the
 * two.
 */
#ifndef BASE_LOG_EVENT_H
#define BASE_LOG_EVENT_H

struct log_event {
	const char *name;
};
#define LOG_EVENT(text) ((struct log_event){ (text) })

#endif
