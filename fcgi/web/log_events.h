/*
 * log_events: the log events of the web framework.  docs/LOGS.md explains each.
 */
#ifndef WEB_LOG_EVENTS_H
#define WEB_LOG_EVENTS_H

#include "base/log.h"

#define EVENT_REQUEST LOG_EVENT("request")
#define EVENT_REQUEST_ABANDONED LOG_EVENT("request abandoned")
#define EVENT_SUBREQUEST LOG_EVENT("subrequest")
#define EVENT_REQUEST_REFUSED_AFTER_CRASHES \
	LOG_EVENT("request refused after it crashed workers")
#define EVENT_NO_RESPONSE LOG_EVENT("handler returned no response")
#define EVENT_ERROR_NOT_DECLARED LOG_EVENT("route does not declare this error")
#define EVENT_RESPONSE_TOO_LARGE LOG_EVENT("response body too large")
#define EVENT_FASTCGI_PARAMETER_MISSING LOG_EVENT("FastCGI parameter missing")

#endif
