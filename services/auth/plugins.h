/* plugins: the table of all plugins; only plugins.c lists them. */
#ifndef AUTH_PLUGINS_H
#define AUTH_PLUGINS_H

#include "auth/plugin.h"

/* Ended by NULL. */
extern const struct auth_plugin *const plugins_all[];

#endif
