#include "auth/plugin/accounts/accounts.h"

#include "auth/plugin/accounts/accounts_refusals.h"
#include "auth/plugin/accounts/accounts_routes.h"

const struct auth_plugin accounts_plugin = {
	.name = "accounts",
	.routes = accounts_routes,
	.refusals = accounts_refusals,
};
