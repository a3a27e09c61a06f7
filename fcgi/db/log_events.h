/*
 * log_events: the log events of the connections to PostgreSQL.  docs/LOGS.md
 * explains each.
 */
#ifndef DB_LOG_EVENTS_H
#define DB_LOG_EVENTS_H

#include "base/log.h"

#define EVENT_POSTGRES_UNAVAILABLE LOG_EVENT("postgres unavailable")
#define EVENT_POSTGRES_AVAILABLE LOG_EVENT("postgres available again")
#define EVENT_POSTGRES_CONNECTION_LOST LOG_EVENT("postgres connection lost")
#define EVENT_POSTGRES_TIMEOUT LOG_EVENT("postgres timed out")
#define EVENT_DB_POOL_EXHAUSTED LOG_EVENT("connection pool exhausted")
#define EVENT_STATEMENT_FAILED LOG_EVENT("statement failed")
#define EVENT_STATEMENT_SLOW LOG_EVENT("slow statement")
#define EVENT_TRANSACTION_RETRIES_EXHAUSTED \
	LOG_EVENT("transaction retries exhausted")
#define EVENT_ROLLBACK_FAILED LOG_EVENT("rollback failed")
#define EVENT_LISTENER_CONNECT_FAILED \
	LOG_EVENT("cannot connect listener to postgres")
#define EVENT_LISTENER_CONNECTION_LOST LOG_EVENT("listener connection lost")

#endif
