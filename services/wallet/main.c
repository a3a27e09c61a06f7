/* wallet: accounts, and the ledger that moves money between them. */
#include <stdbool.h>
#include <string.h>

#include "app/service_main.h"
#include "base/log.h"
#include "base/log_events.h"
#include "job/webhook.h"
#include "wallet/account/account_routes.h"
#include "wallet/batch/batch_routes.h"
#include "wallet/currency/currency_routes.h"
#include "wallet/entry/entry_routes.h"
#include "wallet/ledger/ledger_code.h"
#include "wallet/ledger/ledger_jobs.h"
#include "wallet/ledger/ledger_metrics.h"
#include "wallet/ledger/ledger_routes.h"
#include "wallet/statement/statement_routes.h"
#include "wallet/transfer/transfer_routes.h"
#include "wallet/wallet.h"

/* clang-format off */
static const struct route *const routes[] = {
	account_routes,
	batch_routes,
	currency_routes,
	entry_routes,
	ledger_routes,
	statement_routes,
	transfer_routes,
	NULL,
};

static const struct config_var vars[] = {
	{ CONFIG(struct wallet_config, currency, "CURRENCY"),
	  .fallback = "USD", .min = 3, .max = 12,
	  .doc = "Currency of a new user's first account: a code in the table "
	    "`currency`. Existing accounts are not changed." },
	{ CONFIG(struct wallet_config, idempotency_days, "IDEMPOTENCY_DAYS"),
	  .fallback = "30", .min = 1, .max = 3650, .unit = "days",
	  .doc = "How long an Idempotency-Key is stored." },
	{ CONFIG(struct wallet_config, batch_rate, "BATCH_RATE"),
	  .fallback = "3000", .min = 0, .max = 1000000,
	  .unit = "transfers in 60 s",
	  .doc = "Rate limit for transfers in batches of one user, counting "
	    "each item; 0: no limit. A batch with more items is allowed if the "
	    "user has sent none for a minute." },
	{ 0 },
};
/* clang-format on */

static const struct job_kind *const kinds[] = {
	ledger_jobs,
	webhook_jobs,
	NULL,
};
static const struct job_set jobs = {
	.kinds = kinds,
	.queues = webhook_queues,
	.schedules = ledger_schedules,
};

static const struct service service = {
	.name = "wallet",
	.title = "Kedge wallet",
	.prefix = "/api/wallet",
	.routes = routes,
	.codes = ledger_codes,
	.hooks = { .ready = account_ready, .metrics = ledger_metrics_write },
};

static struct wallet_config config;

/*
 * Checks how a currency code is spelled. Only the database knows whether the
 * currency exists: see account_ready().
 */
static bool
check(const void *c)
{
	const char *code = ((const struct wallet_config *)c)->currency;

	if (code[0] >= 'A' && code[0] <= 'Z' &&
	    strspn(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") ==
		strlen(code))
		return true;
	log_event(LOG_ERROR, EVENT_ENVIRONMENT_VARIABLE_INVALID,
	    LOG_TEXT("variable", "WALLET_CURRENCY"), LOG_TEXT("value", code),
	    LOG_TEXT("expected", "a code of capitals, as in ISO 4217"));
	return false;
}

static const struct service_program program = {
	.name = "wallet",
	.flags = SERVICE_BASE,
	.service = &service,
	.config = &config,
	.vars = vars,
	.check = check,
	.create_record = account_create,
	.jobs = &jobs,
};

int
main(int argc, char **argv)
{
	return service_main(&program, argc, argv);
}
