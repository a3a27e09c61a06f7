#include "auth/plugin/accounts/accounts_refusals.h"

#include <stddef.h>

/* clang-format off */
const struct refusal accounts_refusals[] = {
	[ACCOUNTS_LAST] = { ERR_INVALID, "FAILED_TO_UNLINK_LAST_ACCOUNT",
	    "You can't unlink your last account" },
	[ACCOUNTS_NOT_FOUND] = { ERR_INVALID, "ACCOUNT_NOT_FOUND",
	    "Account not found" },
	{ 0 },
};
/* clang-format on */
