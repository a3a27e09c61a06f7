/* profile_store: the rows of the table profile. */
#ifndef CORE_PROFILE_STORE_H
#define CORE_PROFILE_STORE_H

#include "base/attr.h"
#include "base/err.h"
#include "web/schema.h"

struct arena;
struct db;

struct profile {
	const char *user_id;
	const char *display_name; /* or NULL */
	const char *timezone; /* see base/timezone.h */
	const char *locale; /* see locale.h */
	const char *created_at;
	const char *updated_at;
};

struct profile_patch {
	struct opt_string display_name;
	const char *timezone; /* NULL: the time zone is not changed */
	const char *locale;
};

/* ERR_NOT_FOUND: the user has no profile row yet. */
MUST_CHECK enum err profile_find(struct db *db, struct arena *a,
    const char *user_id, struct profile *ret_profile);

/* Inserts the user's row; an existing row is not changed. */
MUST_CHECK enum err
profile_insert(struct db *db, struct arena *a, const char *user_id);

MUST_CHECK enum err profile_update(struct db *db, struct arena *a,
    const char *user_id, const struct profile_patch *patch,
    struct profile *ret_profile);

/*
 * Locks the user's row until the transaction ends.  Other transactions that
 * lock, update or delete the row wait; reading it, and inserting rows that
 * refer to it, does not wait. ERR_NOT_FOUND: the user has no profile row yet.
 */
MUST_CHECK enum err
profile_lock(struct db *tx, struct arena *a, const char *user_id);

#endif
