/*
 * username_store: the query for the owner of a user name.
 */
#ifndef AUTH_USERNAME_STORE_H
#define AUTH_USERNAME_STORE_H

#include "base/attr.h"
#include "base/err.h"

struct arena;
struct db;

/*
 * Finds the user who has this name, which is in the form of username_normal().
 * Returns ERR_NOT_FOUND when nobody has it.
 */
MUST_CHECK enum err username_owner(struct db *db, struct arena *a,
    const char *normal, const char **ret_user_id);

#endif
