/* log_events: the log events of wallet. docs/LOGS.md explains each event. */
#ifndef WALLET_LOG_EVENTS_H
#define WALLET_LOG_EVENTS_H

#include "base/log.h"

#define EVENT_DEFAULT_CURRENCY_MISSING \
	LOG_EVENT("default currency missing from table")
#define EVENT_LEDGER_CHECK_FAILED LOG_EVENT("ledger check failed")
#define EVENT_LEDGER_CODE_UNKNOWN LOG_EVENT("unknown error code from ledger")
#define EVENT_HOLD_EXPIRY_FAILED LOG_EVENT("cannot expire hold")

#endif
