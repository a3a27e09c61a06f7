/*
 * log_events: the log events of the connections to Redis.  docs/LOGS.md
 * explains each.
 */
#ifndef CACHE_LOG_EVENTS_H
#define CACHE_LOG_EVENTS_H

#include "base/log.h"

#define EVENT_REDIS_URL_INVALID LOG_EVENT("invalid redis URL")
#define EVENT_REDIS_BREAKER_OPENED LOG_EVENT("redis circuit breaker opened")
#define EVENT_REDIS_BREAKER_CLOSED LOG_EVENT("redis circuit breaker closed")
#define EVENT_REDIS_SLOW LOG_EVENT("redis too slow")
#define EVENT_REDIS_COMMAND_FAILED LOG_EVENT("redis command failed")

#endif
