#include "wallet/account/account.h"

#include <stddef.h>

#include "base/log.h"
#include "wallet/account/account_store.h"

enum err
account_ensure(
    struct db *db, struct arena *a, const char *user_id, const char *currency)
{
	enum err e;

	e = account_insert_first(db, a, user_id, currency);
	if (e == ERR_UNPROCESSABLE) {
		/* The one foreign key that can fail; see also /health/ready. */
		log_event(LOG_ERROR, "WALLET_CURRENCY is not in table currency",
		    LOG_TEXT("currency", currency));
		return ERR_INTERNAL;
	}
	return e;
}

enum err
account_list(struct db *db, struct arena *a, const char *user_id,
    const char *currency, const struct account_page *page,
    const struct account **ret_accounts, int64_t *ret_count)
{
	enum err e;

	e = account_find_page(db, a, user_id, page, ret_accounts, ret_count);
	if (e != ERR_OK || *ret_count > 0 || page->after_id != NULL)
		return e;
	e = account_ensure(db, a, user_id, currency);
	if (e != ERR_OK)
		return e;
	return account_find_page(db, a, user_id, page, ret_accounts, ret_count);
}
