/* profile_store: the row that core keeps of each user. */
#ifndef CORE_PROFILE_STORE_H
#define CORE_PROFILE_STORE_H

#include "base/attr.h"
#include "base/err.h"

struct arena;
struct db;
struct profile;
struct profile_patch;

/* ERR_NOT_FOUND: the user has no row yet. */
MUST_CHECK enum err profile_find(struct db *db, struct arena *a,
    const char *user_id, struct profile *ret_profile);

/* Leaves a row that is there as it is. */
MUST_CHECK enum err
profile_insert(struct db *db, struct arena *a, const char *user_id);

MUST_CHECK enum err profile_update(struct db *db, struct arena *a,
    const char *user_id, const struct profile_patch *patch,
    struct profile *ret_profile);

/*
 * Makes other transactions that call this for the user wait until this one
 * ends; readers and writers of other rows do not.  ERR_NOT_FOUND as above.
 */
MUST_CHECK enum err
profile_lock(struct db *tx, struct arena *a, const char *user_id);

#endif
