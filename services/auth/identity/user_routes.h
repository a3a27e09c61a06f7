/* user_routes: update-user, and the functions that it shares with sign-up. */
#ifndef AUTH_USER_ROUTES_H
#define AUTH_USER_ROUTES_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/err.h"
#include "web/service.h"

struct req;

extern const struct route user_routes[];

struct column_slot;
struct column_values;
struct plugin_set;

/* At start. */
void user_routes_compose(const struct plugin_set *set);

/*
 * Refuses a body that sets a column which clients may not set, or lacks one
 * that is required.  On creation, a column that clients may not set is accepted
 * if it has a fallback, and gets the fallback instead.
 */
MUST_CHECK enum err user_check_fields(struct req *r, bool creating);
/*
 * The values of the plugins' columns for a row of "user": what the body has
 * set, in the slots of its struct, possibly changed by the plugins.  A plugin
 * may refuse.
 */
MUST_CHECK enum err user_take_columns(struct req *r, bool creating,
    const struct column_slot *slots, struct column_values *ret_values);

#endif
