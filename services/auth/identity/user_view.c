#include "auth/identity/user_view.h"

#include "auth/auth.h"
#include "base/arena.h"
#include "base/buf.h"

enum { ACCOUNTS_MAX_BYTES = 2048 };

/* clang-format off */
static const struct field rows[] = {
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
	{ FIELD(struct user_out, user.role, "role"), .nullable = true,
	  .doc = "Roles, separated by commas." },
	{ FIELD(struct user_out, user.banned, "banned"), .nullable = true },
	{ FIELD(struct user_out, user.ban_reason, "banReason"),
	  .nullable = true },
	{ FIELD(struct user_out, user.ban_expires, "banExpires"),
	  .nullable = true, .format = FMT_DATE_TIME },
	{ FIELD(struct user_out, accounts, "^has[A-Z][a-z0-9]*Account$"),
	  .splice = "boolean",
	  .doc = "One for each base service (hasCoreAccount, ...): whether the "
	    "user has a record there." },
	{ FIELD(struct user_out, user.id, "id"), .required = true },
	{ 0 },
};
/* clang-format on */

const struct schema user_schema = {
	.name = "User",
	.size = sizeof(struct user_out),
	.fields = rows,
};

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
	*out = (struct user_out){ .user = *user, .accounts = b.data };
	return out;
}
