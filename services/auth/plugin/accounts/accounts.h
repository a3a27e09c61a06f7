/*
 * accounts: the accounts by which a user can sign in: listing and unlinking
 * them.  The paths are BetterAuth's.
 */
#ifndef AUTH_ACCOUNTS_H
#define AUTH_ACCOUNTS_H

#include "auth/plugin.h"

extern const struct auth_plugin accounts_plugin;

#endif
