/*
 * profile: what core stores about a user: how to address them, their language
 * and their time zone.
 *
 * The row of a user is created at their first contact with core
 * (app/provision.h). If the row is missing nevertheless, for example because
 * the database was restored from an earlier backup, the function that needs the
 * row creates it again.
 */
#ifndef CORE_PROFILE_H
#define CORE_PROFILE_H

#include "base/attr.h"
#include "base/err.h"
#include "core/profile/profile_store.h"
#include "web/schema.h"

struct arena;
struct db;

/*
 * Creates the user's row unless it exists. Concurrent calls for the same user
 * are allowed.
 */
MUST_CHECK enum err
profile_ensure(struct db *db, struct arena *a, const char *user_id);
MUST_CHECK enum err profile_get(struct db *db, struct arena *a,
    const char *user_id, struct profile *ret_profile);
/*
 * Changes the user's profile. The time zone and locale of the patch must be
 * valid and canonical.
 */
MUST_CHECK enum err profile_change(struct db *db, struct arena *a,
    const char *user_id, const struct profile_patch *patch,
    struct profile *ret_profile);
/*
 * Like profile_lock() (profile_store.h), but first creates the user's row if it
 * is missing.
 */
MUST_CHECK enum err
profile_get_lock(struct db *tx, struct arena *a, const char *user_id);

#endif
