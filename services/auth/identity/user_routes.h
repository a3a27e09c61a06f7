/* user_routes: update-user, and what sign-up shares with it. */
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
 * Of the plugins' columns that no client may set, the first one that the body
 * wants set; or NULL.  On creation, one that has a fallback is not refused but
 * gets that.
 */
const char *user_forbidden_field(const struct req *r, bool creating);
/*
 * What a row of "user" gets in the plugins' columns: what the body says, in the
 * slots of its struct, and what the plugins make of it.  A plugin may refuse.
 */
MUST_CHECK enum err user_take_columns(struct req *r, bool creating,
    const struct column_slot *slots, struct column_values *ret_values);

#endif
