/*
 * log_events: the events that base/config and base/log write to the log.
 * docs/LOGS.md explains each.
 */
#ifndef BASE_LOG_EVENTS_H
#define BASE_LOG_EVENTS_H

#include "base/log_event.h"

#define EVENT_LOG_LINES_DROPPED LOG_EVENT("log lines dropped")
#define EVENT_LOG_LINES_LOST LOG_EVENT("log lines lost")
#define EVENT_ENVIRONMENT_VARIABLE_MISSING \
	LOG_EVENT("required environment variable missing")
#define EVENT_ENVIRONMENT_VARIABLE_INVALID \
	LOG_EVENT("invalid environment variable")
#define EVENT_SECRET_INVALID LOG_EVENT("invalid secret")
#define EVENT_SECRET_FILE_OPEN \
	LOG_EVENT("secret file accessible to other users")

#endif
