/*
 * log_events: the log events of the FastCGI server.  docs/LOGS.md explains
 * each.
 */
#ifndef FASTCGI_LOG_EVENTS_H
#define FASTCGI_LOG_EVENTS_H

#include "base/log.h"

#define EVENT_THREAD_START_FAILED LOG_EVENT("cannot start thread")
#define EVENT_STREAM_TIMEOUT \
	LOG_EVENT("response stream exceeded its time limit")
#define EVENT_RESPONSE_HEAD_TOO_LARGE LOG_EVENT("response headers too large")
#define EVENT_STREAM_CHUNK_TOO_LARGE \
	LOG_EVENT("chunk of response stream too large")

#endif
