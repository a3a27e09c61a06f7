/* session_store: the table session. */
#ifndef AUTH_SESSION_STORE_H
#define AUTH_SESSION_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "auth/identity/user_store.h"
#include "base/attr.h"
#include "base/err.h"
#include "web/schema.h"

struct arena;
struct columns;
struct db;
struct plugin_set;
struct session_claims;

enum { SESSION_LIST_MAX = 500 };

/* Texts may be NULL where the column may; times are in RFC 3339. */
struct session {
	const char *id;
	const char *token;
	const char *user_id;
	const char *expires_at;
	const char *created_at;
	const char *updated_at;
	const char *ip_address; /* or NULL */
	const char *user_agent; /* or NULL */
	/*
	 * Columns of the plugins, in composed order, in PostgreSQL's text
	 * format.
	 */
	const char *const *columns;
};

/* A session and its user, and values that depend on the database's clock. */
struct session_found {
	struct session session;
	struct user user;
	bool is_expired;
	bool is_fresh; /* began less than SESSION_FRESH_AGE_S ago */
	bool refresh_due;
};

/*
 * How a user has proven their identity.  Between the check of the proof and the
 * insert of a session anything may change: the password, the owner of the
 * address, the accounts of the user, a ban.  So the insert locks the rows and
 * checks the proof again.
 */
enum proof_kind {
	PROOF_PASSWORD, /* the account has this password hash */
	PROOF_ACCOUNT, /* the user has this account of a provider */
	PROOF_EMAIL, /* the user has this address */
	PROOF__MAX
};
struct proof {
	enum proof_kind kind;
	const char *account_id; /* for PROOF_PASSWORD and PROOF_ACCOUNT */
	const char *password_hash; /* for PROOF_PASSWORD */
	const char *email; /* for PROOF_EMAIL; canonical */
};

struct session_start {
	const char *user_id;
	const char *ip_address;
	const char *user_agent;
	int64_t ttl_s;
	/*
	 * The user has shown the second factor, or already has a session that
	 * this one replaces. Otherwise no session begins for a user who has
	 * enabled a second factor.
	 */
	bool past_second_factor;
};

/* To be called at start, before any statement is run. */
void session_store_compose(const struct plugin_set *set);
/* The plugins' columns in a session's row. */
const struct columns *session_plugin_columns(void);

/*
 * Finds the session of the token, whether or not it has expired.
 * ERR_NOT_FOUND: there is none.
 */
MUST_CHECK enum err session_select(struct db *db, struct arena *a,
    const char *token, struct session_found *ret_found);
/* Extends a valid session; ERR_NOT_FOUND: it does not exist any more. */
MUST_CHECK enum err session_extend(struct db *db, struct arena *a,
    const char *token, struct session *ret_session);
/*
 * Sets the columns of a valid session that are set in `values`; ERR_NOT_FOUND:
 * it does not exist any more.
 */
MUST_CHECK enum err session_update(struct db *db, struct arena *a,
    const char *token, const struct column_values *values,
    struct session *ret_session);
/* See session_list(). */
MUST_CHECK enum err session_select_of_user(struct db *db, struct arena *a,
    const struct session *own, const struct session **ret_sessions,
    size_t *ret_count);

/*
 * A session as an operator sees it.  It has no token: with the token the
 * operator could act as the user.
 */
struct session_listed {
	const char *id, *created_at, *expires_at;
	const char *ip_address, *user_agent; /* or NULL */
};
/* The user's valid sessions, newest first, at most SESSION_LIST_MAX. */
MUST_CHECK enum err session_select_listed(struct db *db, struct arena *a,
    const char *user_id, const struct session_listed **ret_sessions,
    int *ret_count);

/* Only session_begin() may call this. */
MUST_CHECK enum err session_insert(struct db *db, struct arena *a,
    const char *token, const struct session_start *start,
    const struct proof *proof);

/* Only session_rotate() may call this. */
MUST_CHECK enum err session_replace(struct db *tx, struct arena *a,
    const char *token, const char *new_token, int64_t ttl_s,
    struct strings *ret_tokens);

/*
 * These functions delete sessions; *ret_tokens has the tokens of those that
 * were deleted.
 */
MUST_CHECK enum err session_delete(struct db *tx, struct arena *a,
    const char *token, struct strings *ret_tokens);
MUST_CHECK enum err session_delete_own(struct db *tx, struct arena *a,
    const char *token, const char *user_id, struct strings *ret_tokens);
/* Deletes all of the user's sessions except `kept_token` (NULL: all). */
MUST_CHECK enum err session_delete_of_user(struct db *tx, struct arena *a,
    const char *user_id, const char *kept_token, struct strings *ret_tokens);
/* Deletes an expired session, which cannot be cached. */
MUST_CHECK enum err
session_delete_expired(struct db *db, struct arena *a, const char *token);

/* The user's sessions, whose cached copies a change invalidates. */
MUST_CHECK enum err session_tokens_of_user(struct db *tx, struct arena *a,
    const char *user_id, struct strings *ret_tokens);

/* Reads what verify needs, in one indexed query. */
MUST_CHECK enum err session_select_claims(struct db *db, struct arena *a,
    const char *token, struct session_claims *ret_claims, int64_t *ret_epoch);

/*
 * Like session_select_claims(), by the session's id, and only if it is this
 * user's session.
 */
MUST_CHECK enum err session_select_live(struct db *db, struct arena *a,
    const char *id, const char *user_id, struct session_claims *ret_claims);

#endif
