/* config: the variables of auth, which fill in struct auth_config. */
#ifndef AUTH_CONFIG_H
#define AUTH_CONFIG_H

#include "base/config.h"

/* Ended by a NULL name. */
extern const struct config_var auth_vars[];

#endif
