#include "wallet/ledger/ledger_code.h"

#include <stddef.h>

#include "base/log.h"
#include "base/str.h"
#include "wallet/log_events.h"
#include "web/request.h"

/* clang-format off */
const struct service_code ledger_codes[] = {
	{ "ACCOUNT_FROZEN", ERR_UNPROCESSABLE,
	  "One of the accounts is frozen" },
	{ "ACCOUNT_NOT_FOUND", ERR_NOT_FOUND,
	  "There is no such account that you may use for this" },
	{ "ALREADY_REVERSED", ERR_UNPROCESSABLE,
	  "All of this transfer has been reversed" },
	{ "AMOUNT_OUT_OF_RANGE", ERR_UNPROCESSABLE,
	  "The amount, or a balance with it, is not within 1 and 2^53 - 1" },
	{ "BATCH_TOO_LARGE", ERR_UNPROCESSABLE,
	  "A batch has at most 1000 transfers" },
	{ "CAPTURE_TOO_LARGE", ERR_UNPROCESSABLE,
	  "A capture cannot be more than what is held" },
	{ "CURRENCY_EXISTS", ERR_CONFLICT,
	  "There is a currency with this code" },
	{ "CURRENCY_MISMATCH", ERR_UNPROCESSABLE,
	  "The accounts are not in the same currency" },
	{ "CURRENCY_UNKNOWN", ERR_UNPROCESSABLE,
	  "There is no currency with this code" },
	{ "EXPONENT_TOO_LARGE", ERR_UNPROCESSABLE,
	  "An account holds at most 2^53 - 1 minor units: with more than 9 "
	  "digits after the point less than a million units" },
	{ "HOLD_EXPIRED", ERR_UNPROCESSABLE,
	  "The hold has expired" },
	{ "HOLD_NOT_OPEN", ERR_UNPROCESSABLE,
	  "This transfer is not a hold that waits to be settled" },
	{ "IDEMPOTENCY_KEY_REQUIRED", ERR_INVALID,
	  "The header Idempotency-Key is needed" },
	{ "IDEMPOTENCY_KEY_REUSED", ERR_CONFLICT,
	  "This Idempotency-Key belongs to another request" },
	{ "INSUFFICIENT_FUNDS", ERR_UNPROCESSABLE,
	  "Less than the amount is available" },
	{ "NOT_REVERSIBLE", ERR_UNPROCESSABLE,
	  "This transfer has moved nothing that could be reversed" },
	{ "NOT_THE_PAYEE", ERR_FORBIDDEN,
	  "Only who is to get the money may settle a hold" },
	{ "REFERENCE_REUSED", ERR_CONFLICT,
	  "This provider's reference belongs to another movement" },
	{ "REVERSAL_TOO_LARGE", ERR_UNPROCESSABLE,
	  "A reversal cannot be more than what is left to reverse" },
	{ "SAME_ACCOUNT", ERR_UNPROCESSABLE,
	  "Both accounts are the same" },
	{ "TOO_MANY_ACCOUNTS", ERR_UNPROCESSABLE,
	  "A user has at most 100 accounts" },
	{ "TRANSFER_NOT_FOUND", ERR_NOT_FOUND,
	  "There is no such transfer that you take part in" },
	{ 0 },
};
/* clang-format on */

const struct service_code *
ledger_code_find(const char *code)
{
	for (const struct service_code *c = ledger_codes; c->code != NULL;
	     c++) {
		if (str_eq(c->code, code))
			return c;
	}
	return NULL;
}

const char *
ledger_code_message(const char *code)
{
	const struct service_code *row = ledger_code_find(code);

	return row != NULL ? row->message : "";
}

enum err
ledger_refuse(struct req *r, const char *code)
{
	const struct service_code *row = ledger_code_find(code);

	if (row == NULL) {
		log_event(LOG_ERROR, EVENT_LEDGER_CODE_UNKNOWN,
		    LOG_TEXT("code", code));
		return ERR_INTERNAL;
	}
	return req_fail(r, row->err, row->code, row->message);
}
