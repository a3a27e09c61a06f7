/*
 * verification: values that a user must present once (BetterAuth's table of
 * that name): the token of a link in a mail, a code, the state of a flow.
 *
 * `identifier` says what it is for and, for a token, is or contains the token;
 * `value` is what its creator wants to get back.  A row can be used once:
 * verification_consume() is one DELETE ... RETURNING, so of any number of
 * concurrent requests one gets the value.
 */
#ifndef AUTH_VERIFICATION_H
#define AUTH_VERIFICATION_H

#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

struct arena;
struct db;

MUST_CHECK enum err verification_create(struct db *db, struct arena *a,
    const char *identifier, const char *value, int64_t ttl_s);
/*
 * Takes the newest row of the identifier, and deletes the older ones with it.
 * In a transaction, the row is deleted when the transaction commits.
 * ERR_NOT_FOUND: there is none, or it has expired, or another request has taken
 * it.
 */
MUST_CHECK enum err verification_consume(struct db *db, struct arena *a,
    const char *identifier, const char **ret_value);

/*
 * Takes the row only if its value is `value`; otherwise it stays, so that
 * nobody else can use it up.  ERR_NOT_FOUND: there is none with that value, or
 * it has expired.
 */
MUST_CHECK enum err verification_consume_of(
    struct db *db, struct arena *a, const char *identifier, const char *value);

/*
 * The value of the newest row of the identifier, which stays.  ERR_NOT_FOUND:
 * there is none, or it has expired.
 */
MUST_CHECK enum err verification_find(struct db *db, struct arena *a,
    const char *identifier, const char **ret_value);
/*
 * Deletes all rows whose identifier begins with `prefix` and whose value is
 * `value`: the other outstanding links of a user.
 */
MUST_CHECK enum err verification_drop(
    struct db *db, struct arena *a, const char *prefix, const char *value);

#endif
