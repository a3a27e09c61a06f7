/* wallet: accounts and, later, the ledger that moves money between them. */
#include "http/service_main.h"
#include "wallet/account/account_routes.h"
#include "wallet/wallet.h"

/* clang-format off */
static const struct route *const routes[] = {
	account_routes,
	NULL,
};

static const struct config_var vars[] = {
	{ CONFIG(struct wallet_config, currency, "CURRENCY"),
	  .fallback = "USD", .min = 3, .max = 12,
	  .doc = "Currency of the account that a new user gets; a code in the "
	    "table `currency`. Accounts that exist keep theirs." },
	{ 0 },
};
/* clang-format on */

static const struct service service = {
	.name = "wallet",
	.title = "Kedge wallet",
	.prefix = "/api/wallet",
	.routes = routes,
	.hooks = { .ready = account_ready },
};

static struct wallet_config config;

static const struct service_program program = {
	.name = "wallet",
	.flags = SERVICE_BASE,
	.service = &service,
	.config = &config,
	.vars = vars,
	.create_record = account_create,
};

int
main(int argc, char **argv)
{
	return service_main(&program, argc, argv);
}
