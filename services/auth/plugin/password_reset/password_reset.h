/*
 * password_reset: a new password by a link in a message, for those who have
 * forgotten theirs.  BetterAuth has it as the option sendResetPassword of
 * emailAndPassword; the paths are BetterAuth's.
 */
#ifndef AUTH_PASSWORD_RESET_H
#define AUTH_PASSWORD_RESET_H

#include "auth/plugin.h"

extern const struct auth_plugin password_reset_plugin;

#endif
