/*
 * two_factor_store: BetterAuth's table "twoFactor", and the column
 * twoFactorEnabled of "user".
 */
#ifndef AUTH_TWO_FACTOR_STORE_H
#define AUTH_TWO_FACTOR_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

struct arena;
struct db;

struct two_factor {
	const char *id;
	const char *secret; /* encrypted (encrypted_text.h) */
	const char *backup_codes; /* likewise */
	bool is_verified; /* a code of the app was right once */
	int64_t locked_s; /* for how long no code is accepted; 0: not locked */
};

/* The limit on consecutive wrong codes. */
struct two_factor_lock {
	int64_t tries, seconds;
};

/* ERR_NOT_FOUND: the user has no row. */
MUST_CHECK enum err two_factor_select(struct db *db, struct arena *a,
    const char *user_id, struct two_factor *ret);
/*
 * Stores a new secret and codes, not verified; replaces a row that is not
 * verified either.  ERR_CONFLICT: the user has a verified one.
 */
MUST_CHECK enum err two_factor_insert(struct db *tx, struct arena *a,
    const char *user_id, const char *secret, const char *backup_codes);
MUST_CHECK enum err
two_factor_set_verified(struct db *tx, struct arena *a, const char *id);
MUST_CHECK enum err
two_factor_delete(struct db *tx, struct arena *a, const char *user_id);
/* Sets "user"."twoFactorEnabled". */
MUST_CHECK enum err two_factor_set_enabled(
    struct db *tx, struct arena *a, const char *user_id, bool enabled);

/*
 * Counts a try before its code is checked, so that concurrent tries cannot
 * exceed the limit; the last allowed one locks the row.  ERR_RATE_LIMITED: it
 * is locked.  After a right code, two_factor_clear_tries() forgets the tries.
 */
MUST_CHECK enum err two_factor_count_try(struct db *db, struct arena *a,
    const char *id, const struct two_factor_lock *lock);
MUST_CHECK enum err
two_factor_clear_tries(struct db *db, struct arena *a, const char *id);
/*
 * Marks the codes of this step of time and all earlier ones as used.
 * ERR_NOT_FOUND: this one or a later one is used already.
 */
MUST_CHECK enum err two_factor_use_step(
    struct db *db, struct arena *a, const char *id, int64_t step);
/*
 * Returns some rows with an id greater than `id`, in the order of the ids;
 * *ret_count is 0 when there is no further row.
 */
MUST_CHECK enum err two_factor_select_after(struct db *db, struct arena *a,
    const char *id, const struct two_factor **ret_rows, size_t *ret_count);
/*
 * Replaces the encrypted texts of the row, when the secret of auth was
 * changed.  ERR_NOT_FOUND: the row has other texts than `from` by now.
 */
MUST_CHECK enum err two_factor_rekey(struct db *db, struct arena *a,
    const struct two_factor *from, const char *secret,
    const char *backup_codes);

/*
 * Replaces the stored backup codes.  ERR_NOT_FOUND: the stored text is another
 * one than `from` by now.
 */
MUST_CHECK enum err two_factor_replace_codes(struct db *db, struct arena *a,
    const char *id, const char *from, const char *to);

#endif
