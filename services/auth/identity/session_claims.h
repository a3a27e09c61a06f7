/*
 * session_claims: the data that verify needs of a session, as rows: each with a
 * name, the SQL expression that reads it, and its place in struct
 * session_claims.  A plugin adds rows (auth_claim), which are stored in `more`.
 *
 * In Redis the claims are texts separated by tabs, in the order of the rows,
 * after a version that is computed from the rows.  Two processes with different
 * rows (another release, other plugins) have different versions, so an entry of
 * the one is a miss for the other, which reads from PostgreSQL until the entry
 * expires.
 */
#ifndef AUTH_SESSION_CLAIMS_H
#define AUTH_SESSION_CLAIMS_H

#include <stdbool.h>
#include <stdint.h>

#include "auth/plugin.h"
#include "base/attr.h"
#include "base/err.h"

struct arena;
struct db_rows;
struct plugin_set;

/* The claims of a valid session; their rows are in session_claims.c. */
struct session_claims {
	const char *user_id;
	const char *session_id;
	const char *roles; /* comma-separated; "" when the column is NULL */
	const char *accounts; /* services, comma-separated */
	const char *email; /* "" until the user has proved to own it */
	int64_t expires_at_ms;
	bool banned; /* until ban_expires_ms, or without end when that is 0 */
	int64_t ban_expires_ms;
	/* Claims of the plugins, in composed order; "" when there is none. */
	const char *more[CLAIMS_MORE_MAX];
};

/* To be called at start, before session_store_compose(). */
void session_claims_compose(const struct plugin_set *set);

/* The expressions over `session AS s` and "user" AS u, separated by commas. */
const char *session_claims_select(void);
/* ERR_NOT_FOUND: all are NULL, because there is no such session. */
MUST_CHECK enum err session_claims_of_row(const struct db_rows *rows,
    int first_column, struct session_claims *ret_claims);

/* The text for Redis; NULL when the claims cannot be cached. */
const char *
session_claims_write(struct arena *a, const struct session_claims *claims);
/*
 * ERR_NOT_FOUND: the text has another version.  ERR_INVALID: it is malformed.
 */
MUST_CHECK enum err session_claims_read(
    struct arena *a, const char *text, struct session_claims *ret_claims);

/*
 * The claims that services may see, as a JSON object; NULL: there are none.
 * Returns false when they are too long.
 */
MUST_CHECK bool session_claims_asserted(struct arena *a,
    const struct session_claims *claims, const char **ret_text);

#endif
