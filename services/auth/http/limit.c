#include "auth/http/limit.h"

#include <string.h>

#include "auth/auth.h"
#include "auth/http/address.h"
#include "auth/http/refusal.h"
#include "auth/routes.h"
#include "base/arena.h"
#include "base/digest.h"
#include "cache/rate_limit.h"
#include "web/request.h"
#include "web/router.h"
#include "web/service.h"

static enum err
take(struct req *r, const char *key, int64_t burst, int64_t period_ms)
{
	struct auth *auth = auth_of(r);
	int64_t retry_ms = 0;

	if (rate_limit_take(auth->process.limit, key, burst, period_ms,
		&retry_ms) == ERR_OK)
		return ERR_OK;
	r->retry_after_s = (retry_ms + 999) / 1000;
	if (r->retry_after_s < 1)
		r->retry_after_s = 1;
	return refuse(r, REFUSE_TOO_MANY);
}

/* The methods of one path share a counter, unless the row has its own rate. */
static const char *
counted_as(struct arena *a, const struct route *row)
{
	if (row == NULL)
		return "*";
	return row->rate.burst == 0
	           ? row->path
	           : arena_printf(a, "%s %s", row->method, row->path);
}

enum err
limit_request(struct req *r)
{
	struct route_rate rate = { LIMIT_REQUESTS, LIMIT_PERIOD_S };
	const struct route *row;

	if (!auth_of(r)->config->rate_limit || routes_is_internal(r))
		return ERR_OK;
	row = router_path_row(r->service, r->arena, r->method, r->path);
	if (row != NULL && row->rate.burst != 0)
		rate = row->rate;
	return take(r,
	    arena_printf(r->arena, "ip|%s|%s",
		address_of(r->arena, r->client_ip), counted_as(r->arena, row)),
	    rate.burst, rate.period_s * 1000);
}

/* The key is hashed: Redis need not contain the account's address. */
static const char *
try_key(struct req *r, const char *account)
{
	char hex[SHA256_HEX_SIZE];

	sha256_hex(account, strlen(account), hex);
	return arena_printf(r->arena, "try|%.32s|%s", hex,
	    address_network(r->arena, r->client_ip));
}

enum err
limit_try(struct req *r, const char *account)
{
	if (!auth_of(r)->config->rate_limit)
		return ERR_OK;
	return take(r, try_key(r, account), LIMIT_TRIES, LIMIT_TRIES_PERIOD_MS);
}

void
limit_refund_try(struct req *r, const char *account)
{
	struct auth *auth = auth_of(r);

	if (auth->config->rate_limit)
		rate_limit_refund(auth->process.limit, try_key(r, account),
		    LIMIT_TRIES, LIMIT_TRIES_PERIOD_MS);
}

/* Like try_key(), without the network: a mailbox has only one owner. */
static const char *
mail_key(struct req *r, const char *kind, const char *whose)
{
	char hex[SHA256_HEX_SIZE];

	sha256_hex(whose, strlen(whose), hex);
	return arena_printf(r->arena, "mail|%s|%.32s", kind, hex);
}

enum err
limit_mail(struct req *r, const char *address, const char *user_id)
{
	const struct auth_config *c = auth_of(r)->config;
	enum err e = ERR_OK;

	if (!c->rate_limit)
		return ERR_OK;
	if (user_id != NULL)
		e = take(r, mail_key(r, "user", user_id), c->mail_per_user,
		    LIMIT_MAIL_PERIOD_MS);
	return e != ERR_OK ? e
	                   : take(r, mail_key(r, "to", address),
				 c->mail_per_address, LIMIT_MAIL_PERIOD_MS);
}
