/*
 * username: signing in with a name instead of an address, like BetterAuth's
 * plugin of that name.  The name is stored in lower case and unique;
 * displayUsername keeps the spelling of its owner.  README.md has the rules.
 */
#ifndef AUTH_USERNAME_H
#define AUTH_USERNAME_H

#include "auth/plugin.h"

extern const struct auth_plugin username_plugin;

#endif
