/* profile_store: the rows of the table profile. */
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

/* Does not change an existing row. */
MUST_CHECK enum err
profile_insert(struct db *db, struct arena *a, const char *user_id);

MUST_CHECK enum err profile_update(struct db *db, struct arena *a,
    const char *user_id, const struct profile_patch *patch,
    struct profile *ret_profile);

/*
 * Locks the user's row: other transactions that call this for the user wait
 * until this one ends; other readers and writers do not wait.  ERR_NOT_FOUND:
 * the user has no row yet.
 */
MUST_CHECK enum err
profile_lock(struct db *tx, struct arena *a, const char *user_id);

#endif
