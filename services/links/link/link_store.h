/*
 * link_store: the SQL statements for links. Every statement names the owner and
 * the id of a link, so another user's link is treated as missing:
 * ERR_NOT_FOUND.
 */
#ifndef LINKS_LINK_STORE_H
#define LINKS_LINK_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

struct arena;
struct db;
struct redirect;

struct link {
	const char *id;
	const char *slug;
	const char *target;
	const char *title; /* or NULL */
	bool enabled;
	const char *expires_at; /* RFC 3339; or NULL */
	bool has_password;
	int64_t clicks; /* all that were counted until now */
	int64_t version;
	const char *created_at;
	const char *updated_at;
	/* used only when a link is written; NULL: no password */
	const char *password_hash;
	/* For responses: the whole address. */
	const char *url;
};

/* A link to be created, and the identity of the request. */
struct link_order {
	const struct link *link;
	const char *key; /* value of the header Idempotency-Key; or NULL */
	const char *sha256_hex; /* digest of the request; NULL without a key */
	int64_t links_max;
	int64_t keys_max;
};

struct link_made {
	/* An error code of link_routes.c; NULL: the link was created. */
	const char *code;
	bool replayed; /* an earlier request with the key has created it */
	struct link link;
};

/* Creates the row of a user, unless it exists. */
MUST_CHECK enum err
link_owner_insert(struct db *db, struct arena *a, const char *user_id);
/* Locks the row of a user, which every deletion locks first. */
MUST_CHECK enum err
link_owner_lock(struct db *tx, struct arena *a, const char *user_id);

/* Also returns ERR_OK when no link was created and ret_made->code says why. */
MUST_CHECK enum err link_insert(struct db *db, struct arena *a,
    const char *user_id, const struct link_order *order,
    struct link_made *ret_made);
MUST_CHECK enum err link_find(struct db *db, struct arena *a,
    const char *user_id, const char *id, struct link *ret_link);
/* Like link_find(), and locks the row until the transaction ends. */
MUST_CHECK enum err link_find_locked(struct db *tx, struct arena *a,
    const char *user_id, const char *id, struct link *ret_link);
/* Lists links older than before_id (NULL: the newest), the newest first. */
MUST_CHECK enum err link_list(struct db *db, struct arena *a,
    const char *user_id, const char *before_id, int64_t limit,
    const struct link **ret_links, int64_t *ret_count);
/*
 * Stores all columns that a client may change, and increments the version.
 * `set_password`: the hash as well.
 */
MUST_CHECK enum err link_update(struct db *tx, struct arena *a,
    const char *user_id, const struct link *in, bool set_password,
    struct link *ret_link);
MUST_CHECK enum err link_delete(
    struct db *tx, struct arena *a, const char *user_id, const char *id);

/* Finds what a redirect needs; the link_id is NULL when there is no link. */
MUST_CHECK enum err link_find_slug(struct db *db, struct arena *a,
    const char *slug, struct redirect *ret_redirect);
/*
 * Reads the hash of the link's password and the target to which it leads; both
 * are of the same version of the link. *ret_hash is NULL when the link has no
 * password.
 */
MUST_CHECK enum err link_find_secret(struct db *db, struct arena *a,
    const char *id, const char **ret_hash, const char **ret_target);

/*
 * Delete idempotency keys older than `hours`, and slugs of links that were
 * deleted more than `days` ago; at most `limit` rows in one statement.
 */
MUST_CHECK enum err link_forget_keys(struct db *db, struct arena *a,
    int64_t hours, int64_t limit, int64_t *ret_count);
MUST_CHECK enum err link_forget_slugs(struct db *db, struct arena *a,
    int64_t days, int64_t limit, int64_t *ret_count);

#endif
