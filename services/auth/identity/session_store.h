/* session_store: the table session. */
#ifndef AUTH_SESSION_STORE_H
#define AUTH_SESSION_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "auth/identity/session.h"
#include "base/attr.h"
#include "base/err.h"
#include "web/schema.h"

struct arena;
struct db;

/* By token, whether it has expired or not.  ERR_NOT_FOUND: there is none. */
MUST_CHECK enum err session_select(struct db *db, struct arena *a,
    const char *token, struct session_found *ret_found);
/* A live session begins again; ERR_NOT_FOUND: it is gone. */
MUST_CHECK enum err session_extend(struct db *db, struct arena *a,
    const char *token, struct session *ret_session);
/* As session_list(). */
MUST_CHECK enum err session_select_of_user(struct db *db, struct arena *a,
    const struct session *own, const struct session **ret_sessions,
    size_t *ret_count);

/*
 * A new session of a user whose credential is still the one that was checked
 * and who is not banned: ERR_NOT_FOUND otherwise.
 */
struct session_new {
	const char *token;
	const char *user_id;
	const char *ip_address;
	const char *user_agent;
	int64_t ttl_s;
	const char *account_id;
	const char *password_hash; /* as the account has it */
};
MUST_CHECK enum err
session_insert(struct db *db, struct arena *a, const struct session_new *s);

/* These delete; *ret_tokens are the sessions that are gone. */
MUST_CHECK enum err session_delete(struct db *tx, struct arena *a,
    const char *token, struct strings *ret_tokens);
MUST_CHECK enum err session_delete_own(struct db *tx, struct arena *a,
    const char *token, const char *user_id, struct strings *ret_tokens);
/* All of the user but `kept_token` (NULL: all). */
MUST_CHECK enum err session_delete_of_user(struct db *tx, struct arena *a,
    const char *user_id, const char *kept_token, struct strings *ret_tokens);
/* Of an expired session, which nothing can have cached. */
MUST_CHECK enum err
session_delete_expired(struct db *db, struct arena *a, const char *token);

/* The user's sessions, whose cached copies a change makes wrong. */
MUST_CHECK enum err session_tokens_of_user(struct db *tx, struct arena *a,
    const char *user_id, struct strings *ret_tokens);

/* What verify needs to know, in one indexed query. */
MUST_CHECK enum err session_select_claims(struct db *db, struct arena *a,
    const char *token, struct session_claims *ret_claims, int64_t *ret_epoch);

/* The same by the session's id, and if it is this user's. */
MUST_CHECK enum err session_select_live(struct db *db, struct arena *a,
    const char *id, const char *user_id, struct session_claims *ret_claims);

#endif
