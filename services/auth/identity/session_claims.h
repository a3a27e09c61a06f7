/*
 * session_claims: what verify knows of a session, as rows: each with a name,
 * the SQL that it is read by, and its place in struct session_claims.  A plugin
 * adds rows (auth_claim), which end up in `more`.
 *
 * In Redis the claims are texts between tabs, in the order of the rows, behind
 * a version that is made of the rows themselves.  Two processes with other rows
 * (another release, other plugins) have other versions, and what the one wrote
 * is a miss for the other, which asks PostgreSQL until the entry's time is
 * over.
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

/* What verify knows of a live session; its rows are in session_claims.c. */
struct session_claims {
	const char *user_id;
	const char *session_id;
	const char *roles; /* comma-separated; "" when the column is NULL */
	const char *accounts; /* services, comma-separated */
	int64_t expires_at_ms;
	bool banned; /* until ban_expires_ms, or without end when that is 0 */
	int64_t ban_expires_ms;
	/* Of the plugins, in composed order; "" when there is none. */
	const char *more[CLAIMS_MORE_MAX];
};

/* At start, before session_store_compose(). */
void session_claims_compose(const struct plugin_set *set);

/* The expressions over `session AS s` and "user" AS u, with commas. */
const char *session_claims_select(void);
/* ERR_NOT_FOUND: they are NULL, for there is no such session. */
MUST_CHECK enum err session_claims_of_row(const struct db_rows *rows,
    int first_column, struct session_claims *ret_claims);

/* The text for Redis; NULL when the claims cannot be kept. */
const char *
session_claims_write(struct arena *a, const struct session_claims *claims);
/* ERR_NOT_FOUND: of another version.  ERR_INVALID: it makes no sense. */
MUST_CHECK enum err session_claims_read(
    struct arena *a, const char *text, struct session_claims *ret_claims);

/*
 * Those that services may see, as a JSON object; NULL: there are none.  False:
 * they are too long to be said.
 */
MUST_CHECK bool session_claims_asserted(struct arena *a,
    const struct session_claims *claims, const char **ret_text);

#endif
