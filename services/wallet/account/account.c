#include "wallet/account/account.h"

#include <stddef.h>

#include "base/log.h"
#include "job/job.h"
#include "wallet/account/account_store.h"
#include "wallet/log_events.h"

enum err
account_ensure(struct db *db, struct arena *a, const char *user_id,
    const char *currency, const char *origin)
{
	int64_t emitted;
	enum err e;

	e = account_insert_first(db, a, user_id, currency, origin, &emitted);
	if (e == ERR_OK && emitted > 0)
		job_wake(db);
	if (e == ERR_UNPROCESSABLE) {
		/*
		 * The currency's foreign key is the only one that can fail
		 * here. /health/ready reports the missing currency, too.
		 */
		log_event(LOG_ERROR, EVENT_DEFAULT_CURRENCY_MISSING,
		    LOG_TEXT("currency", currency));
		return ERR_INTERNAL;
	}
	return e;
}

static enum err
open_any(struct db *db, struct arena *a, const char *user_id,
    const struct account_order *order, struct account *ret_account,
    int64_t *ret_emitted, const char **ret_code)
{
	const struct account_owner owner = { .user_id = user_id };
	const char *id;
	enum err e;

	e = account_insert(db, a, user_id, order->name, order->currency,
	    order->origin, &id, ret_emitted, ret_code);
	if (e != ERR_OK || *ret_code != NULL)
		return e;
	return account_find(db, a, &owner, id, ret_account);
}

enum err
account_open(struct db *db, struct arena *a, const char *user_id,
    const struct account_order *order, struct account *ret_account,
    bool *ret_replayed, const char **ret_code)
{
	int64_t emitted = 0;
	enum err e;

	*ret_replayed = false;
	if (order->key == NULL)
		e = open_any(
		    db, a, user_id, order, ret_account, &emitted, ret_code);
	else
		e = account_insert_once(db, a, user_id, order, ret_account,
		    ret_replayed, &emitted, ret_code);
	if (e == ERR_OK && emitted > 0)
		job_wake(db);
	return e;
}

struct freeze {
	struct audit_act act;
	bool frozen;
	const struct account_freeze *by;
	int64_t emitted;
};

static const char *
freeze_object(struct arena *a, bool frozen, const char *reason)
{
	const struct audit_value values[] = {
		{ "status", frozen ? "frozen" : "open" },
		{ "reason", reason },
		{ NULL, NULL },
	};

	return audit_object(a, values);
}

static enum err
run_freeze(struct db *tx, struct arena *a, void *ctx)
{
	const struct account_owner any = { .any = true };
	struct freeze *f = ctx;
	struct account account;
	enum err e = account_find(tx, a, &any, f->act.object_id, &account);

	if (e != ERR_OK)
		return e;
	f->act.before = freeze_object(a, account.frozen, account.freeze_reason);
	f->act.after = freeze_object(a, f->frozen, f->by->reason);
	return account_update_frozen(
	    tx, a, f->act.object_id, f->frozen, f->by, &f->emitted);
}

enum err
account_set_frozen(struct db *db, struct arena *a, const struct audit_who *who,
    const char *id, bool frozen, const struct account_freeze *by)
{
	struct freeze f = {
		.act = { .action =
			     frozen ? "account.freeze" : "account.unfreeze",
		    .object_kind = "account",
		    .object_id = id },
		.frozen = frozen,
		.by = by,
	};
	enum err e = audit_do(db, a, who, &f.act, run_freeze, &f);

	if (e == ERR_OK && f.emitted > 0)
		job_wake(db);
	return e;
}

enum err
account_list(struct db *db, struct arena *a, const char *user_id,
    const char *currency, const char *origin, const struct account_page *page,
    const struct account **ret_accounts, int64_t *ret_count)
{
	const struct account_owner owner = { .user_id = user_id };
	enum err e;

	e = account_find_page(db, a, &owner, page, ret_accounts, ret_count);
	if (e != ERR_OK || *ret_count > 0 || page->after_id != NULL)
		return e;
	e = account_ensure(db, a, user_id, currency, origin);
	if (e != ERR_OK)
		return e;
	return account_find_page(db, a, &owner, page, ret_accounts, ret_count);
}
