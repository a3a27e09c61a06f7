/*
 * log_events: the log events of auth.  docs/LOGS.md explains each.
 */
#ifndef AUTH_LOG_EVENTS_H
#define AUTH_LOG_EVENTS_H

#include "base/log.h"

#define EVENT_BASE_SERVICE_NAME_INVALID LOG_EVENT("invalid base service name")
#define EVENT_TRUSTED_ORIGIN_INVALID LOG_EVENT("invalid trusted origin")
#define EVENT_EVERY_ORIGIN_TRUSTED LOG_EVENT("every origin is trusted")
#define EVENT_PUBLIC_URL_INVALID LOG_EVENT("invalid public URL")
#define EVENT_PLUGINS_INVALID LOG_EVENT("invalid set of plugins")
#define EVENT_ADDITIONAL_FIELDS_INVALID LOG_EVENT("invalid additional fields")
#define EVENT_ADDITIONAL_FIELD_COLUMN \
	LOG_EVENT("column of an additional field is missing or wrong")
#define EVENT_PASSWORD_HASH_MALFORMED LOG_EVENT("malformed password hash")
#define EVENT_PASSWORD_NORMALISATION_FAILED \
	LOG_EVENT("cannot normalise password")
#define EVENT_PASSWORD_HASHING_FAILED LOG_EVENT("cannot hash password")
#define EVENT_HASH_PRIORITY_FAILED \
	LOG_EVENT("cannot lower priority of hashing thread")
#define EVENT_HASH_THREAD_FAILED LOG_EVENT("cannot start hashing thread")
#define EVENT_SESSION_TICKER_FAILED LOG_EVENT("cannot start session ticker")
#define EVENT_SESSION_CACHE_MALFORMED LOG_EVENT("malformed session in cache")
#define EVENT_SESSION_CACHE_SUSPENDED \
	LOG_EVENT("session cache suspended until epoch is renewed")
#define EVENT_EPOCH_NOT_ACKNOWLEDGED \
	LOG_EVENT("hosts have not acknowledged the session epoch")
#define EVENT_EPOCH_BEHIND LOG_EVENT("session epoch in database is behind")
#define EVENT_LEASES_ABANDONED \
	LOG_EVENT("session leases expired without release")
#define EVENT_VERIFY_REQUEST_INVALID LOG_EVENT("invalid verify request")
#define EVENT_ASSERTION_TOO_LARGE LOG_EVENT("assertion too large")

#define EVENT_PLUGIN_SETTINGS_INVALID LOG_EVENT("invalid settings of plugin")
#define EVENT_SECRET_UNREADABLE LOG_EVENT("cannot decrypt stored secrets")

#define EVENT_MAIL_OFF LOG_EVENT("mail is off")
#define EVENT_MAIL_TEMPLATES_INVALID LOG_EVENT("invalid mail templates")
#define EVENT_MAIL_UNREACHABLE LOG_EVENT("address unreachable by mail")

#endif
