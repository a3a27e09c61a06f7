/* log_events: the log events of the audit log; docs/LOGS.md explains them. */
#ifndef AUDIT_LOG_EVENTS_H
#define AUDIT_LOG_EVENTS_H

#include "base/log.h"

#define EVENT_AUDIT_CHAIN_EXTENDED LOG_EVENT("audit chain extended")

#endif
