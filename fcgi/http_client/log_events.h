/*
 * log_events: the log events of outgoing HTTP requests.  docs/LOGS.md explains
 * each.
 */
#ifndef HTTP_CLIENT_LOG_EVENTS_H
#define HTTP_CLIENT_LOG_EVENTS_H

#include "base/log.h"

#define EVENT_OUTGOING_REQUEST_FAILED LOG_EVENT("outgoing request failed")

#endif
