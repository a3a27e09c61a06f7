/*
 * link: the rules for a user's short links.
 *
 * A link's slug never changes.  Every change increments the link's version, and
 * is seen by the next request for the slug (redirect/redirect_cache.h): so a
 * change is told to Redis before it commits.
 *
 * The number of links per user is counted and limited in the database
 * (sql/links/0001_link.sql), while the user's row is locked.
 */
#ifndef LINKS_LINK_H
#define LINKS_LINK_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/err.h"
#include "links/link/link_store.h"
#include "web/etag.h"
#include "web/schema.h"

struct arena;
struct burial;
struct links;

struct link_patch {
	const char *target; /* NULL: it is not changed */
	struct opt_string title;
	struct opt_bool enabled;
	struct opt_string expires_at;
	bool set_password;
	const char *password_hash; /* NULL: no password */
};

/*
 * Creates a link.  Without a slug in the order's link, generates one.  Also
 * returns ERR_OK when no link was created and ret_made->code says why.
 */
MUST_CHECK enum err link_create(struct links *links, struct arena *a,
    const char *user_id, const struct link_order *order,
    struct link_made *ret_made);
/*
 * `match` has the versions that the client accepts, or is NULL.  ERR_STALE: the
 * link has another version.
 */
MUST_CHECK enum err link_change(struct links *links, struct arena *a,
    const char *user_id, const char *id, const struct link_patch *patch,
    const struct etag_set *match, struct link *ret_link);
MUST_CHECK enum err link_remove(struct links *links, struct arena *a,
    const char *user_id, const char *id, const struct etag_set *match);

/*
 * Like link_create(), for one of several links that are created one after the
 * other: the caller confirms them after one redirect_cache_settle().
 */
MUST_CHECK enum err link_create_unsettled(struct links *links, struct arena *a,
    const char *user_id, const struct link_order *order,
    struct link_made *ret_made, struct burial *ret_burial);

#endif
