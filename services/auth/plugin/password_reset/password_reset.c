#include "auth/plugin/password_reset/password_reset.h"

#include "auth/plugin/password_reset/password_reset_config.h"
#include "auth/plugin/password_reset/password_reset_routes.h"

const struct auth_plugin password_reset_plugin = {
	.name = "password-reset",
	.routes = password_reset_routes,
	.refusals = password_reset_refusals,
	.vars = password_reset_vars,
	.config_size = sizeof(struct password_reset_config),
	.mails = password_reset_mails,
};
