/*
 * ledger_code: the error codes of the ledger.
 *
 * The functions in sql/wallet/ return one of these codes, which clients receive
 * unchanged; this table has the HTTP status and the sentence of each.
 */
#ifndef WALLET_LEDGER_CODE_H
#define WALLET_LEDGER_CODE_H

#include "base/attr.h"
#include "base/err.h"
#include "web/service.h"

struct req;

extern const struct service_code ledger_codes[]; /* ended by a NULL code */

/* Returns NULL when the table has no such code. */
const struct service_code *ledger_code_find(const char *code);
/* The sentence for people; never NULL. */
const char *ledger_code_message(const char *code);
/*
 * Records the error response for a code and returns its error.  A code that is
 * not in the table is a defect: ERR_INTERNAL, logged.
 */
enum err ledger_refuse(struct req *r, const char *code);

#endif
