/* log_events: the log events of links. docs/LOGS.md explains each event. */
#ifndef LINKS_LOG_EVENTS_H
#define LINKS_LOG_EVENTS_H

#include "base/log.h"

#define EVENT_CACHED_LINK_MALFORMED LOG_EVENT("cached link malformed")
#define EVENT_CLICKS_LOST LOG_EVENT("clicks lost")
#define EVENT_LINK_HASHING_FAILED LOG_EVENT("link password not hashed")
#define EVENT_QR_FAILED LOG_EVENT("QR code not made")
#define EVENT_LINKS_TICKER_FAILED LOG_EVENT("links ticker not started")

#endif
