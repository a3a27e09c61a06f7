/*
 * config: the variables of auth, which fill struct auth_config and determine
 * the parts of the service.
 */
#ifndef AUTH_CONFIG_H
#define AUTH_CONFIG_H

#include <stdbool.h>

#include "auth/plugin_set.h"
#include "base/attr.h"

/* The parts that auth always has; ended by NULL. */
extern const struct auth_plugin *const auth_core[];

/*
 * Composes the service, once, from `plugins`, the value of AUTH_PLUGINS; NULL:
 * the default.  Returns false when that is impossible; the log says why.
 */
MUST_CHECK bool config_compose(struct plugin_set *set, const char *plugins);

#endif
