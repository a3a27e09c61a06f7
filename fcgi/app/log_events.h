/*
 * log_events: the log events of a service's start and first contact.
 * docs/LOGS.md explains each.
 */
#ifndef APP_LOG_EVENTS_H
#define APP_LOG_EVENTS_H

#include "base/log.h"

#define EVENT_LOG_FILE_FAILED LOG_EVENT("cannot open log file")
#define EVENT_NO_PROCESSES LOG_EVENT("no processes configured")
#define EVENT_FIRST_CONTACT_REJECTED LOG_EVENT("auth rejected first contact")
#define EVENT_REVERIFY_FAILED LOG_EVENT("second verification failed")

#endif
