#include "auth/plugin/delete_user/delete_user.h"

#include "auth/plugin/delete_user/delete_user_config.h"
#include "auth/plugin/delete_user/delete_user_routes.h"

const struct auth_plugin delete_user_plugin = {
	.name = "delete-user",
	.routes = delete_user_routes,
	.refusals = delete_user_refusals,
	.vars = delete_user_vars,
	.config_size = sizeof(struct delete_user_config),
	.mails = delete_user_mails,
};
