/*
 * ledger_code: why the ledger says no.
 *
 * The functions in sql/wallet/ answer with one of these codes, and clients see
 * it as it is; here each has its HTTP status and its sentence.
 */
#ifndef WALLET_LEDGER_CODE_H
#define WALLET_LEDGER_CODE_H

#include "base/attr.h"
#include "base/err.h"
#include "web/service.h"

struct req;

extern const struct service_code ledger_codes[]; /* ended by a NULL code */

/* NULL when the table has no such code. */
const struct service_code *ledger_code_find(const char *code);
/* For people; never NULL. */
const char *ledger_code_message(const char *code);
/*
 * Records the answer to a refusal and returns its error.  A code that is not
 * in the table is a mistake of ours: ERR_INTERNAL, logged.
 */
enum err ledger_refuse(struct req *r, const char *code);

#endif
