#include "auth/identity/identity.h"

#include "auth/identity/account_store.h"
#include "auth/identity/session_claims.h"
#include "auth/identity/session_routes.h"
#include "auth/identity/session_store.h"
#include "auth/identity/session_view.h"
#include "auth/identity/sweep_jobs.h"
#include "auth/identity/user_routes.h"
#include "auth/identity/user_store.h"
#include "auth/identity/user_view.h"
#include "auth/plugin.h"

/* The order matters: each step uses the results of the steps before. */
void
identity_compose(const struct plugin_set *set)
{
	user_store_compose(set);
	account_store_compose(set);
	session_claims_compose(set);
	session_store_compose(set);
	user_view_compose(set);
	session_view_compose(set);
	user_routes_compose(set);
	session_routes_compose(set);
}

const struct auth_plugin identity_session_part = {
	.name = "session",
	.routes = session_routes,
	.jobs = sweep_jobs,
	.schedules = sweep_schedules,
};

const struct auth_plugin identity_user_part = {
	.name = "user",
	.routes = user_routes,
};
