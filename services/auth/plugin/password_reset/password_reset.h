/*
 * password_reset: a user who has forgotten the password sets a new one by a
 * link in a message. In BetterAuth this is the option sendResetPassword of
 * emailAndPassword; the paths are BetterAuth's.
 */
#ifndef AUTH_PASSWORD_RESET_H
#define AUTH_PASSWORD_RESET_H

#include "auth/plugin.h"

extern const struct auth_plugin password_reset_plugin;

#endif
