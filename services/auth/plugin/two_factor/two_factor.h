/*
 * two_factor: a second factor at sign-in, like BetterAuth's plugin two-factor:
 * codes of an authenticator app (TOTP), backup codes, and browsers that are
 * trusted for a while.  README.md has the rules, and where they are stricter
 * than BetterAuth's.
 */
#ifndef AUTH_TWO_FACTOR_H
#define AUTH_TWO_FACTOR_H

#include "auth/plugin.h"

extern const struct auth_plugin two_factor_plugin;

#endif
