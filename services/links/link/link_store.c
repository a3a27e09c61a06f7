#include "links/link/link_store.h"

#include "base/arena.h"
#include "db/db.h"
#include "db/db_time.h"
#include "links/redirect/redirect_cache.h"

/* clang-format off */
#define LINK_COLUMNS                                                           \
	"link.id, link.slug, link.target, link.title, link.enabled, "          \
	DB_TIME("link.expires_at") ", link.password_hash IS NOT NULL, "        \
	"coalesce((SELECT t.clicks FROM click_total t"                         \
	" WHERE t.link_id = link.id), 0)"                                      \
	" + coalesce((SELECT sum(b.clicks) FROM click_buffer b"                \
	" WHERE b.link_id = link.id), 0)::bigint, link.version, "              \
	DB_TIME("link.created_at") ", " DB_TIME("link.updated_at")
/* clang-format on */
enum {
	COL_ID,
	COL_SLUG,
	COL_TARGET,
	COL_TITLE,
	COL_ENABLED,
	COL_EXPIRES_AT,
	COL_HAS_PASSWORD,
	COL_CLICKS,
	COL_VERSION,
	COL_CREATED_AT,
	COL_UPDATED_AT
};

/* Reads a link from the columns LINK_COLUMNS, which begin at `first`. */
static struct link
read_columns(const struct db_rows *rows, int row, int first)
{
	return (struct link){
		.id = db_get_text(rows, row, first + COL_ID),
		.slug = db_get_text(rows, row, first + COL_SLUG),
		.target = db_get_text(rows, row, first + COL_TARGET),
		.title = db_find_text(rows, row, first + COL_TITLE),
		.enabled = db_get_bool(rows, row, first + COL_ENABLED),
		.expires_at = db_find_text(rows, row, first + COL_EXPIRES_AT),
		.has_password =
		    db_get_bool(rows, row, first + COL_HAS_PASSWORD),
		.clicks = db_get_i64(rows, row, first + COL_CLICKS),
		.version = db_get_i64(rows, row, first + COL_VERSION),
		.created_at = db_get_text(rows, row, first + COL_CREATED_AT),
		.updated_at = db_get_text(rows, row, first + COL_UPDATED_AT),
	};
}

/* Runs a statement that returns at most one link. */
static enum err
run_for_one(struct db *db, struct arena *a, const struct db_stmt *stmt,
    struct db_args args, struct link *ret_link)
{
	struct db_rows rows;
	enum err e;

	e = db_run(db, a, stmt, args, &rows);
	if (e != ERR_OK)
		return e;
	if (rows.count == 0)
		return ERR_NOT_FOUND;
	*ret_link = read_columns(&rows, 0, 0);
	return ERR_OK;
}

static const struct db_stmt insert_owner = {
	.name = "link_owner_insert",
	.sql = "INSERT INTO link_owner (user_id) VALUES ($1)"
	       " ON CONFLICT (user_id) DO NOTHING",
	.nargs = 1,
};
static const struct db_stmt lock_owner = {
	.name = "link_owner_lock",
	.sql = "SELECT link_owner_lock($1)",
	.nargs = 1,
};

enum err
link_owner_insert(struct db *db, struct arena *a, const char *user_id)
{
	return db_run(db, a, &insert_owner, DB_ARGS(user_id),
	    /* ret_rows= */ NULL);
}

enum err
link_owner_lock(struct db *tx, struct arena *a, const char *user_id)
{
	return db_run(tx, a, &lock_owner, DB_ARGS(user_id),
	    /* ret_rows= */ NULL);
}

static const struct db_stmt insert_link = {
	.name = "link_create",
	.sql = "SELECT c.code, c.replayed, " LINK_COLUMNS
	       " FROM link_create($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
	       " AS c, LATERAL (SELECT (c.made).*) AS link",
	.nargs = 11,
};
enum { MADE_CODE, MADE_REPLAYED, MADE_LINK };

enum err
link_insert(struct db *db, struct arena *a, const char *user_id,
    const struct link_order *order, struct link_made *ret_made)
{
	const struct link *in = order->link;
	const char *sha256 = NULL;
	struct db_rows rows;
	enum err e;

	if (order->key != NULL)
		sha256 = arena_printf(a, "\\x%s", order->sha256_hex);
	e = db_run(db, a, &insert_link,
	    DB_ARGS(user_id, in->slug, in->target, in->title,
		in->enabled ? "true" : "false", in->expires_at,
		in->password_hash, order->key, sha256,
		arena_i64(a, order->links_max), arena_i64(a, order->keys_max)),
	    &rows);
	if (e != ERR_OK)
		return e;
	*ret_made = (struct link_made){
		.code = db_find_text(&rows, 0, MADE_CODE),
		.replayed = db_get_bool(&rows, 0, MADE_REPLAYED),
	};
	if (ret_made->code == NULL)
		ret_made->link = read_columns(&rows, 0, MADE_LINK);
	return ERR_OK;
}

#define SELECT_LINK \
	"SELECT " LINK_COLUMNS " FROM link WHERE user_id = $1 AND id = $2"

static const struct db_stmt select_link = {
	.name = "link_select",
	.sql = SELECT_LINK,
	.nargs = 2,
	.read_only = true,
};
static const struct db_stmt select_link_locked = {
	.name = "link_select_locked",
	.sql = SELECT_LINK " FOR NO KEY UPDATE",
	.nargs = 2,
};

enum err
link_find(struct db *db, struct arena *a, const char *user_id, const char *id,
    struct link *ret_link)
{
	return run_for_one(db, a, &select_link, DB_ARGS(user_id, id), ret_link);
}

enum err
link_find_locked(struct db *tx, struct arena *a, const char *user_id,
    const char *id, struct link *ret_link)
{
	return run_for_one(
	    tx, a, &select_link_locked, DB_ARGS(user_id, id), ret_link);
}

static const struct db_stmt list_links = {
	.name = "link_list",
	.sql = "SELECT " LINK_COLUMNS " FROM link"
	       " WHERE user_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3",
	.nargs = 3,
	.read_only = true,
};
static const char newest_id[] = "ffffffff-ffff-ffff-ffff-ffffffffffff";

enum err
link_list(struct db *db, struct arena *a, const char *user_id,
    const char *before_id, int64_t limit, const struct link **ret_links,
    int64_t *ret_count)
{
	struct db_rows rows;
	struct link *links;
	enum err e;

	e = db_run(db, a, &list_links,
	    DB_ARGS(user_id, before_id != NULL ? before_id : newest_id,
		arena_i64(a, limit)),
	    &rows);
	if (e != ERR_OK)
		return e;
	links = arena_alloc(a, (size_t)rows.count * sizeof(*links));
	for (int i = 0; i < rows.count; i++)
		links[i] = read_columns(&rows, i, 0);
	*ret_links = links;
	*ret_count = rows.count;
	return ERR_OK;
}

static const struct db_stmt update_link = {
	.name = "link_update",
	.sql = "UPDATE link SET target = $3, title = $4, enabled = $5,"
	       " expires_at = $6, password_hash = CASE WHEN $7::boolean"
	       " THEN $8 ELSE password_hash END, version = version + 1,"
	       " updated_at = now()"
	       " WHERE user_id = $1 AND id = $2 RETURNING " LINK_COLUMNS,
	.nargs = 8,
};

enum err
link_update(struct db *tx, struct arena *a, const char *user_id,
    const struct link *in, bool set_password, struct link *ret_link)
{
	return run_for_one(tx, a, &update_link,
	    DB_ARGS(user_id, in->id, in->target, in->title,
		in->enabled ? "true" : "false", in->expires_at,
		set_password ? "true" : "false", in->password_hash),
	    ret_link);
}

static const struct db_stmt delete_link = {
	.name = "link_delete",
	.sql = "SELECT link_delete($1, $2)",
	.nargs = 2,
};

enum err
link_delete(struct db *tx, struct arena *a, const char *user_id, const char *id)
{
	struct db_rows rows;
	enum err e;

	e = db_run(tx, a, &delete_link, DB_ARGS(user_id, id), &rows);
	if (e != ERR_OK)
		return e;
	return db_get_bool(&rows, 0, 0) ? ERR_OK : ERR_NOT_FOUND;
}

/*
 * Returns one row also when there is no such link, so that the epoch is of the
 * same snapshot as the answer.
 */
static const struct db_stmt select_slug = {
	.name = "link_slug_select",
	.sql = "SELECT e.epoch, l.id, l.target, l.enabled,"
	       " l.password_hash IS NOT NULL,"
	       " (extract(epoch FROM l.expires_at) * 1000)::bigint"
	       " FROM link_epoch e LEFT JOIN link l ON l.slug = $1",
	.nargs = 1,
	.read_only = true,
};
enum {
	SLUG_EPOCH,
	SLUG_LINK_ID,
	SLUG_TARGET,
	SLUG_ENABLED,
	SLUG_HAS_PASSWORD,
	SLUG_EXPIRES_AT_MS
};

enum err
link_find_slug(struct db *db, struct arena *a, const char *slug,
    struct redirect *ret_redirect)
{
	struct redirect link = { 0 };
	struct db_rows rows;
	enum err e = db_run(db, a, &select_slug, DB_ARGS(slug), &rows);

	if (e != ERR_OK)
		return e;
	if (rows.count != 1)
		return ERR_INTERNAL;
	link.epoch = db_get_i64(&rows, 0, SLUG_EPOCH);
	link.link_id = db_find_text(&rows, 0, SLUG_LINK_ID);
	if (link.link_id != NULL) {
		link.target = db_get_text(&rows, 0, SLUG_TARGET);
		link.enabled = db_get_bool(&rows, 0, SLUG_ENABLED);
		link.has_password = db_get_bool(&rows, 0, SLUG_HAS_PASSWORD);
		if (!db_is_null(&rows, 0, SLUG_EXPIRES_AT_MS))
			link.expires_at_ms =
			    db_get_i64(&rows, 0, SLUG_EXPIRES_AT_MS);
	}
	*ret_redirect = link;
	return ERR_OK;
}

static const struct db_stmt select_secret = {
	.name = "link_secret_select",
	.sql = "SELECT password_hash, target FROM link WHERE id = $1",
	.nargs = 1,
	.read_only = true,
};

enum err
link_find_secret(struct db *db, struct arena *a, const char *id,
    const char **ret_hash, const char **ret_target)
{
	struct db_rows rows;
	enum err e = db_run(db, a, &select_secret, DB_ARGS(id), &rows);

	if (e != ERR_OK)
		return e;
	if (rows.count == 0)
		return ERR_NOT_FOUND;
	*ret_hash = db_find_text(&rows, 0, 0);
	*ret_target = db_get_text(&rows, 0, 1);
	return ERR_OK;
}

static const struct db_stmt forget_keys = {
	.name = "link_forget_keys",
	.sql = "DELETE FROM link_key k USING (SELECT user_id, key FROM link_key"
	       " WHERE created_at < now() - $1::bigint * interval '1 hour'"
	       " ORDER BY created_at LIMIT $2::bigint) old"
	       " WHERE k.user_id = old.user_id AND k.key = old.key",
	.nargs = 2,
};

enum err
link_forget_keys(struct db *db, struct arena *a, int64_t hours, int64_t limit,
    int64_t *ret_count)
{
	struct db_rows rows;
	enum err e = db_run(db, a, &forget_keys,
	    DB_ARGS(arena_i64(a, hours), arena_i64(a, limit)), &rows);

	if (e == ERR_OK)
		*ret_count = rows.affected;
	return e;
}

static const struct db_stmt forget_slugs = {
	.name = "link_forget_slugs",
	.sql = "SELECT link_forget_slugs($1, $2)",
	.nargs = 2,
};

enum err
link_forget_slugs(struct db *db, struct arena *a, int64_t days, int64_t limit,
    int64_t *ret_count)
{
	struct db_rows rows;
	enum err e = db_run(db, a, &forget_slugs,
	    DB_ARGS(arena_i64(a, days), arena_i64(a, limit)), &rows);

	if (e == ERR_OK)
		*ret_count = db_get_i64(&rows, 0, 0);
	return e;
}
