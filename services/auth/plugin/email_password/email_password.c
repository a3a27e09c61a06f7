#include "auth/plugin/email_password/email_password.h"

#include "auth/plugin.h"

static const struct auth_hooks hooks = {
	.compose = email_password_routes_compose,
};

const struct auth_plugin email_password_plugin = {
	.name = "email-password",
	.routes = email_password_routes,
	.hooks = &hooks,
};
