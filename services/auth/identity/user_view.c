#include "auth/identity/user_view.h"

#include <string.h>

#include "auth/auth.h"
#include "auth/identity/user_store.h"
#include "base/arena.h"
#include "base/attr.h"
#include "base/buf.h"

enum { ACCOUNTS_MAX_BYTES = 2048 };

/* clang-format off */
static const struct field core_rows[] = {
	{ FIELD(struct user_out, user.name, "name"), .required = true },
	{ FIELD(struct user_out, user.email, "email"), .required = true,
	  .format = FMT_EMAIL },
	{ FIELD(struct user_out, user.email_verified, "emailVerified"),
	  .required = true },
	{ FIELD(struct user_out, user.image, "image"), .nullable = true },
	{ FIELD(struct user_out, user.created_at, "createdAt"),
	  .required = true, .format = FMT_DATE_TIME },
	{ FIELD(struct user_out, user.updated_at, "updatedAt"),
	  .required = true, .format = FMT_DATE_TIME },
};
static const struct field last_rows[] = {
	{ FIELD(struct user_out, accounts, "^has[A-Z][a-z0-9]*Account$"),
	  .splice = "boolean",
	  .doc = "One for each base service (hasCoreAccount, ...): whether the "
	    "user has a record there." },
	{ FIELD(struct user_out, user.id, "id"), .required = true },
	{ 0 },
};
/* clang-format on */

static struct field
    rows[COUNT_OF(core_rows) + COLUMNS_MAX + COUNT_OF(last_rows)];

const struct schema user_schema = {
	.name = "User",
	.size = sizeof(struct user_out),
	.fields = rows,
};

void
user_view_compose(const struct plugin_set *set)
{
	size_t n = COUNT_OF(core_rows);

	memset(rows, 0, sizeof(rows));
	memcpy(rows, core_rows, sizeof(core_rows));
	columns_add_out(
	    &set->user_columns, rows, offsetof(struct user_out, columns));
	while (rows[n].name != NULL)
		n++;
	memcpy(rows + n, last_rows, sizeof(last_rows));
}

const struct user_out *
user_view(const struct auth *auth, struct arena *a, const struct user *user)
{
	struct strings accounts = user_list(a, user->accounts);
	struct user_out *out = arena_alloc(a, sizeof(*out));
	struct buf b;

	buf_init(&b, a, ACCOUNTS_MAX_BYTES);
	for (size_t i = 0; i < auth->naudiences; i++) {
		const struct audience *audience = &auth->audiences[i];

		buf_printf(&b, "%s\"%s\":%s", i > 0 ? "," : "",
		    audience->member,
		    strings_has(&accounts, audience->name) ? "true" : "false");
	}
	out->user = *user;
	out->accounts = b.data;
	columns_fill(user_plugin_columns(), user->columns, out->columns);
	return out;
}
