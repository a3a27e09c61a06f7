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
 * the default; and `fields`, the value of AUTH_ADDITIONAL_FIELDS, or NULL.
 * Returns false when that is impossible; the log says why.
 */
MUST_CHECK bool
config_compose(struct plugin_set *set, const char *plugins, const char *fields);
/* The part with the additional fields of a composed service. */
const struct auth_plugin *config_fields(const struct plugin_set *set);

#endif
