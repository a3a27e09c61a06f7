/* user_store: the tables "user" and service_account. */
#ifndef AUTH_USER_STORE_H
#define AUTH_USER_STORE_H

#include <stdbool.h>

#include "auth/plugin.h"
#include "base/attr.h"
#include "base/err.h"
#include "web/schema.h"

struct arena;
struct db;
struct db_rows;
struct columns;
struct plugin_set;

/* Texts may be NULL where the column may; times are in RFC 3339. */
struct user {
	const char *id;
	const char *name;
	const char *email; /* canonical, except for rows written by others */
	bool email_verified;
	const char *image; /* or NULL */
	const char *created_at;
	const char *updated_at;
	const char *accounts; /* services, comma-separated; "" for none */
	bool is_banned; /* now */
	bool ban_is_over; /* the row has a ban whose time has passed */
	bool has_second_factor; /* sign-in must ask for a code, too */
	/*
	 * Columns of the plugins, in composed order, in PostgreSQL's text
	 * format.
	 */
	const char *const *columns;
};

/*
 * The properties that users may change of themselves; `set` says which are to
 * change.
 */
struct user_change {
	struct opt_string name;
	struct opt_string image;
	struct column_values columns;
};

/* To be called at start, before any statement is run. */
void user_store_compose(const struct plugin_set *set);
/*
 * The columns of `"user" AS u` that user_read() reads, in its order.  The
 * database's clock decides, also about the end of a ban.
 */
const char *user_columns(void);
/* The plugins' columns. */
const struct columns *user_plugin_columns(void);
/* Texts live as long as the rows. */
struct user user_read(
    struct arena *a, const struct db_rows *rows, int row, int first_column);

/* Locks the user's row against new sessions until the transaction ends. */
MUST_CHECK enum err
user_lock(struct db *tx, struct arena *a, const char *user_id);
MUST_CHECK enum err user_store_update(struct db *db, struct arena *a,
    const char *user_id, const struct user_change *change);
MUST_CHECK enum err user_store_role(
    struct db *tx, struct arena *a, const char *user_id, const char *role);
MUST_CHECK enum err user_store_account(
    struct db *tx, struct arena *a, const char *user_id, const char *service);
MUST_CHECK enum err user_find_id(struct db *db, struct arena *a,
    const char *email, const char **ret_user_id);
/*
 * Sets whether the address is verified and, unless new_email is NULL, another
 * address.  ERR_NOT_FOUND: the user's address is not `email` any more.
 * ERR_CONFLICT: another user has the new one.
 */
MUST_CHECK enum err user_store_email(struct db *tx, struct arena *a,
    const char *user_id, const char *email, const char *new_email,
    bool verified);
/* A ban: BetterAuth's columns of the plugin admin. */
struct user_ban {
	const char *reason; /* or NULL */
	const char *expires_at; /* RFC 3339; NULL: until it is lifted */
};
/* Bans the user, or with NULL lifts the ban. */
MUST_CHECK enum err user_store_ban(struct db *tx, struct arena *a,
    const char *user_id, const struct user_ban *ban);

/* The properties of a user that `kedge user show` prints; texts may be NULL. */
struct user_facts {
	const char *id, *email, *name, *role, *created_at;
	bool email_verified;
	bool has_second_factor;
	bool is_banned; /* now */
	const char *ban_reason, *ban_expires_at;
	const char *accounts; /* services, comma-separated; "" for none */
	int64_t sessions; /* number of sessions that have not expired */
};
/* ERR_NOT_FOUND: no user has this address, which is canonical. */
MUST_CHECK enum err user_store_facts(struct db *db, struct arena *a,
    const char *email, struct user_facts *ret_facts);
/* Removes an expired ban from the row. */
MUST_CHECK enum err
user_lift_ban(struct db *db, struct arena *a, const char *user_id);

struct user_listed {
	const char *id, *email, *name, *role, *created_at;
	bool is_banned;
};
/*
 * At most `limit` users in the order of their addresses, behind the address
 * `after`; "": from the first one.
 */
MUST_CHECK enum err user_store_list(struct db *db, struct arena *a,
    const char *after, int limit, const struct user_listed **ret_users,
    int *ret_count);
/*
 * Deletes the user's row, and with it all rows that refer to it.
 * ERR_NOT_FOUND: there is none.
 */
MUST_CHECK enum err
user_store_delete(struct db *tx, struct arena *a, const char *user_id);

#endif
