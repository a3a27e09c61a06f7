/*
 * email_password: signing up and in with e-mail and password, and changing the
 * password.  BetterAuth has it as an option; the paths are BetterAuth's.
 */
#ifndef AUTH_EMAIL_PASSWORD_H
#define AUTH_EMAIL_PASSWORD_H

#include "auth/plugin.h"
#include "web/service.h"

extern const struct auth_plugin email_password_plugin;

extern const struct route email_password_routes[];
void email_password_routes_compose(const struct plugin_set *set);

#endif
