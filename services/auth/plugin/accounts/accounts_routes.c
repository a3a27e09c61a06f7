#include "auth/plugin/accounts/accounts_routes.h"

#include <stdbool.h>
#include <stddef.h>

#include "auth/auth.h"
#include "auth/identity/session_routes.h"
#include "auth/identity/session_store.h"
#include "auth/identity/user.h"
#include "auth/plugin/accounts/accounts_refusals.h"
#include "auth/plugin/accounts/accounts_store.h"
#include "auth/routes.h"
#include "base/arena.h"
#include "base/str.h"
#include "db/db.h"
#include "web/request.h"
#include "web/service.h"

struct account_out {
	const char *account_id;
	const char *provider_id;
	const char *user_id;
	const char *created_at;
	const char *updated_at;
	const char *id;
	struct strings scopes;
};
struct unlink_in {
	const char *account_id;
	const char *provider_id;
};
struct status_out {
	bool status;
};

/* clang-format off */
static const struct field account_fields[] = {
	{ FIELD(struct account_out, account_id, "accountId"),
	  .required = true },
	{ FIELD(struct account_out, provider_id, "providerId"),
	  .required = true },
	{ FIELD(struct account_out, user_id, "userId"), .required = true },
	{ FIELD(struct account_out, created_at, "createdAt"),
	  .required = true, .format = FMT_DATE_TIME },
	{ FIELD(struct account_out, updated_at, "updatedAt"),
	  .required = true, .format = FMT_DATE_TIME },
	{ FIELD(struct account_out, id, "id"), .required = true },
	{ FIELD(struct account_out, scopes, "scopes"), .required = true },
	{ 0 },
};
static const struct field unlink_fields[] = {
	{ FIELD(struct unlink_in, account_id, "accountId"),
	  .doc = "The id of the account; clients of 1.4 send the provider's." },
	{ FIELD(struct unlink_in, provider_id, "providerId"),
	  .doc = "Sent by clients of 1.4." },
	{ 0 },
};
static const struct field status_fields[] = {
	{ FIELD(struct status_out, status, "status"), .required = true },
	{ 0 },
};
/* clang-format on */

static enum err
list(struct req *r, const void *in_struct, void *out_struct)
{
	struct objects *out = out_struct;
	const struct linked_account *accounts;
	struct account_out *items;
	size_t count;
	enum err e = accounts_select(auth_of(r)->process.db, r->arena,
	    session_of(r)->user.id, &accounts, &count);

	(void)in_struct;
	if (e != ERR_OK)
		return e;
	items = arena_alloc(r->arena, count * sizeof(*items));
	for (size_t i = 0; i < count; i++) {
		const struct linked_account *a = &accounts[i];

		items[i] = (struct account_out){
			.account_id = a->account_id,
			.provider_id = a->provider_id,
			.user_id = a->user_id,
			.created_at = a->created_at,
			.updated_at = a->updated_at,
			.id = a->id,
			.scopes = user_list(r->arena, a->scope),
		};
	}
	*out = (struct objects){ .items = items, .count = count };
	return ERR_OK;
}

struct unlinking {
	const char *user_id;
	const struct unlink_in *in;
};

static enum err
unlink_one(struct db *tx, struct arena *a, void *ctx)
{
	const struct unlinking *u = ctx;
	enum err e = user_lock(tx, a, u->user_id);

	return e != ERR_OK ? e
	                   : accounts_delete(tx, a, u->user_id,
				 u->in->account_id, u->in->provider_id);
}

static enum err
unlink_account(struct req *r, const void *in_struct, void *out_struct)
{
	struct unlinking u = { session_of(r)->user.id, in_struct };
	struct status_out *out = out_struct;
	enum err e =
	    u.in->account_id == NULL && u.in->provider_id == NULL
		? ERR_NOT_FOUND
		: db_transact(auth_of(r)->process.db, r->arena, unlink_one, &u);

	out->status = true;
	if (e == ERR_CONFLICT)
		return refuse_by(r, &accounts_refusals[ACCOUNTS_LAST]);
	if (e == ERR_NOT_FOUND)
		return refuse_by(r, &accounts_refusals[ACCOUNTS_NOT_FOUND]);
	return e == ERR_OK ? e : refuse(r, refusal_of(e));
}

/* clang-format off */
const struct route accounts_routes[] = {
	{ "GET", "/list-accounts", list,
	  .summary = "The accounts by which the user signs in, at most 100",
	  .guard = GUARD_NONE, .flags = AUTH_SESSION,
	  .out = { .name = "Account", .size = sizeof(struct account_out),
	    .fields = account_fields, .array = true },
	  .errors = BIT(ERR_FORBIDDEN) | BIT(ERR_RATE_LIMITED) },
	{ "POST", "/unlink-account", unlink_account,
	  .summary = "Remove one of them, but not the last",
	  .guard = GUARD_NONE, .flags = AUTH_SESSION | AUTH_FRESH,
	  .in = SCHEMA(struct unlink_in, unlink_fields),
	  .out = SCHEMA(struct status_out, status_fields),
	  .errors = BIT(ERR_FORBIDDEN) | BIT(ERR_RATE_LIMITED) },
	{ 0 },
};
/* clang-format on */
