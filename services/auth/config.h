/*
 * config: the variables of auth, which fill in struct auth_config, and what the
 * service is composed of by them.
 */
#ifndef AUTH_CONFIG_H
#define AUTH_CONFIG_H

#include <stdbool.h>

#include "auth/plugin_set.h"
#include "base/attr.h"

/* The parts that auth has whatever plugins are on; ended by NULL. */
extern const struct auth_plugin *const auth_core[];

/*
 * Composes the service, once, from `plugins`, the value of AUTH_PLUGINS; NULL:
 * the default.  False: it cannot be; the log says why.
 */
MUST_CHECK bool config_compose(struct plugin_set *set, const char *plugins);

#endif
