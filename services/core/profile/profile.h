/*
 * profile: core's record of a user: how to address them, their language and
 * their time zone.
 *
 * The row is created at the user's first contact (app/provision.h).  If it is
 * missing nevertheless (the database was restored from an earlier backup), the
 * function that needs the row creates it again.
 */
#ifndef CORE_PROFILE_H
#define CORE_PROFILE_H

#include "base/attr.h"
#include "base/err.h"
#include "core/profile/profile_store.h"
#include "web/schema.h"

struct arena;
struct db;

/* Creates the row unless it exists; may run several times at once. */
MUST_CHECK enum err
profile_ensure(struct db *db, struct arena *a, const char *user_id);
MUST_CHECK enum err profile_get(struct db *db, struct arena *a,
    const char *user_id, struct profile *ret_profile);
/* The time zone and locale of the patch must be valid and canonical. */
MUST_CHECK enum err profile_change(struct db *db, struct arena *a,
    const char *user_id, const struct profile_patch *patch,
    struct profile *ret_profile);
/*
 * profile_lock() (profile_store.h), which first creates the row if it is
 * missing.
 */
MUST_CHECK enum err
profile_get_lock(struct db *tx, struct arena *a, const char *user_id);

#endif
