/*
 * second_factor: what auth must be able to do with second factors while the
 * plugin two-factor is off. The tables are there in any case.
 */
#ifndef AUTH_SECOND_FACTOR_H
#define AUTH_SECOND_FACTOR_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/err.h"

struct arena;
struct db;

/*
 * The rows of verification for browsers in which a user need not show the
 * second factor: their identifiers begin so, their value is the user's id.
 */
#define TRUSTED_DEVICE_PREFIX "trust-device-"

/*
 * Deletes the user's second factor, also one that was begun and not enabled,
 * and the rows of trusted browsers. The caller has locked the user. *ret_had:
 * there was a second factor; otherwise the user's row is not changed.
 */
MUST_CHECK enum err second_factor_remove(
    struct db *tx, struct arena *a, const char *user_id, bool *ret_had);

#endif
