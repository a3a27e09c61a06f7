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
struct columns;
struct db;
struct plugin_set;

/* At start, before any statement is run. */
void session_store_compose(const struct plugin_set *set);
/* Of the plugins, in a session's row. */
const struct columns *session_plugin_columns(void);

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

/* As session_begin(), which is all that may call it. */
MUST_CHECK enum err session_insert(struct db *db, struct arena *a,
    const char *token, const struct session_start *start,
    const struct proof *proof);

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
