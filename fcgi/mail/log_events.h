/*
 * log_events: the log events of mail.  docs/LOGS.md explains each.
 */
#ifndef MAIL_LOG_EVENTS_H
#define MAIL_LOG_EVENTS_H

#include "base/log.h"

#define EVENT_MAIL_SENT LOG_EVENT("mail sent")
#define EVENT_MAIL_DEFERRED LOG_EVENT("mail deferred")
#define EVENT_MAIL_FAILED LOG_EVENT("mail failed")

#endif
