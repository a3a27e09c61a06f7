#include "auth/identity/session_claims.h"

#include <stddef.h>
#include <string.h>

#include "auth/identity/columns.h"
#include "auth/plugin_set.h"
#include "base/arena.h"
#include "base/attr.h"
#include "base/buf.h"
#include "base/digest.h"
#include "base/json.h"
#include "base/str.h"
#include "db/db.h"

enum { VALUE_MAX_BYTES = 4096, VERSION_DIGEST_LEN = 8 };

enum claim_type { CLAIM_TEXT, CLAIM_INT64, CLAIM_BOOL };

struct claim_row {
	const char *name;
	const char *sql;
	enum claim_type type;
	size_t offset;
};

#define CLAIM(claim_name, member) \
	.name = (claim_name),                                                  \
	.offset = offsetof(struct session_claims, member),                     \
	.type = _Generic(((struct session_claims *)0)->member,                 \
	    const char *: CLAIM_TEXT, int64_t: CLAIM_INT64, bool: CLAIM_BOOL)
/* clang-format off */
/*
 * A time may be 'infinity', a number may not: limit it to the years 1 to 9999.
 * NULL means "without end" and becomes the last time, because least() ignores
 * NULL.
 */
#define EPOCH_MS(column)                                                       \
	"(extract(epoch FROM greatest(least(" column ", '9999-12-31'),"        \
	" '0001-01-01')) * 1000)::bigint"

/*
 * The SELECT list of a session, by claim. The value of the first row is NULL
 * when there is no session.
 */
static const struct claim_row core_rows[] = {
	{ CLAIM("session", session_id), .sql = "s.id" },
	{ CLAIM("user", user_id), .sql = "u.id" },
	{ CLAIM("expires_at", expires_at_ms),
	  .sql = EPOCH_MS("s.\"expiresAt\"") },
	{ CLAIM("banned", banned), .sql = "coalesce(u.banned, false)" },
	{ CLAIM("ban_expires_at", ban_expires_ms),
	  .sql = EPOCH_MS("u.\"banExpires\"") },
	{ CLAIM("accounts", accounts),
	  .sql = "(SELECT coalesce(string_agg(x.service, ','), '')"
	    " FROM service_account x WHERE x.user_id = u.id)" },
	{ CLAIM("roles", roles), .sql = "coalesce(u.role, '')" },
	{ CLAIM("email", email),
	  .sql = "CASE WHEN u.\"emailVerified\" THEN u.email ELSE '' END" },
};
/* clang-format on */

enum { ROWS_MAX = COUNT_OF(core_rows) + CLAIMS_MORE_MAX };

static struct composed {
	struct claim_row rows[ROWS_MAX];
	const struct auth_claim *more[CLAIMS_MORE_MAX];
	int nrows;
	size_t nmore;
	const char *select;
	const char *version;
} composed;

static void
add_row(const struct claim_row *row)
{
	const char *select = composed.select;

	composed.select = *select == '\0'
	                      ? row->sql
	                      : columns_text("%s, %s", select, row->sql);
	composed.rows[composed.nrows++] = *row;
}

static const char *
version_of_rows(void)
{
	const char *all = "";
	char hex[SHA256_HEX_SIZE];

	for (int i = 0; i < composed.nrows; i++)
		all = columns_text("%s%s=%s\n", all, composed.rows[i].name,
		    composed.rows[i].sql);
	sha256_hex(all, strlen(all), hex);
	return columns_text("2-%.*s", VERSION_DIGEST_LEN, hex);
}

void
session_claims_compose(const struct plugin_set *set)
{
	composed = (struct composed){ .select = "", .nmore = set->nclaims };
	for (size_t i = 0; i < COUNT_OF(core_rows); i++)
		add_row(&core_rows[i]);
	for (size_t i = 0; i < set->nclaims; i++) {
		const struct auth_claim *claim = set->claims[i];

		composed.more[i] = claim;
		add_row(&(struct claim_row){
		    .name = claim->name,
		    .sql = columns_text("coalesce((%s)::text, '')", claim->sql),
		    .type = CLAIM_TEXT,
		    .offset = offsetof(struct session_claims, more) +
		              i * sizeof(const char *),
		});
	}
	composed.version = version_of_rows();
}

const char *
session_claims_select(void)
{
	return composed.select;
}

/*
 * Converts the text that PostgreSQL returned for one claim, and stores it in
 * the member of *claims that the claim's row names. Returns false when the text
 * is malformed.
 */
static bool
take_text(const struct claim_row *row, const char *text,
    struct session_claims *claims)
{
	void *place = (char *)claims + row->offset;

	switch (row->type) {
	case CLAIM_INT64:
		return str_i64(text, INT64_MIN, INT64_MAX, place);
	case CLAIM_BOOL:
		*(bool *)place = *text == 't';
		return str_eq(text, "t") || str_eq(text, "f");
	case CLAIM_TEXT:
		break;
	}
	*(const char **)place = text;
	return true;
}

static void
put_text(struct buf *b, const struct claim_row *row,
    const struct session_claims *claims)
{
	const void *place = (const char *)claims + row->offset;

	switch (row->type) {
	case CLAIM_INT64:
		buf_put_i64(b, *(const int64_t *)place);
		return;
	case CLAIM_BOOL:
		buf_putc(b, *(const bool *)place ? 't' : 'f');
		return;
	case CLAIM_TEXT:
		break;
	}
	buf_puts(b, *(const char *const *)place);
}

enum err
session_claims_of_row(const struct db_rows *rows, int first_column,
    struct session_claims *ret_claims)
{
	struct session_claims claims = { 0 };

	if (db_is_null(rows, 0, first_column))
		return ERR_NOT_FOUND;
	for (int i = 0; i < composed.nrows; i++) {
		if (!take_text(&composed.rows[i],
			db_get_text(rows, 0, first_column + i), &claims))
			return ERR_INTERNAL; /* the SQL guarantees it */
	}
	*ret_claims = claims;
	return ERR_OK;
}

static bool
has_tab(const struct claim_row *row, const struct session_claims *claims)
{
	const void *place = (const char *)claims + row->offset;

	return row->type == CLAIM_TEXT &&
	       strchr(*(const char *const *)place, '\t') != NULL;
}

const char *
session_claims_write(struct arena *a, const struct session_claims *claims)
{
	struct buf b;

	buf_init(&b, a, VALUE_MAX_BYTES);
	buf_puts(&b, composed.version);
	for (int i = 0; i < composed.nrows; i++) {
		if (has_tab(&composed.rows[i], claims))
			return NULL;
		buf_putc(&b, '\t');
		put_text(&b, &composed.rows[i], claims);
	}
	return buf_failed(&b) ? NULL : b.data;
}

enum err
session_claims_read(
    struct arena *a, const char *text, struct session_claims *ret_claims)
{
	struct session_claims c = { 0 };
	char *rest = arena_strdup(a, text);

	if (!str_eq(strsep(&rest, "\t"), composed.version))
		return ERR_NOT_FOUND;
	for (int i = 0; i < composed.nrows; i++) {
		const char *part = strsep(&rest, "\t");

		if (part == NULL || !take_text(&composed.rows[i], part, &c))
			return ERR_INVALID;
	}
	if (rest != NULL || c.user_id == NULL || *c.user_id == '\0' ||
	    c.session_id == NULL || *c.session_id == '\0')
		return ERR_INVALID;
	*ret_claims = c;
	return ERR_OK;
}

bool
session_claims_asserted(
    struct arena *a, const struct session_claims *claims, const char **ret_text)
{
	const char *separator = "{";
	struct buf b;

	buf_init(&b, a, VALUE_MAX_BYTES);
	for (size_t i = 0; i < composed.nmore; i++) {
		if (!composed.more[i]->asserted || *claims->more[i] == '\0')
			continue;
		buf_puts(&b, separator);
		json_write_string(&b, composed.more[i]->name);
		buf_putc(&b, ':');
		json_write_string(&b, claims->more[i]);
		separator = ",";
	}
	*ret_text = NULL;
	if (*separator == '{')
		return true;
	buf_putc(&b, '}');
	*ret_text = b.data;
	return !buf_failed(&b);
}
