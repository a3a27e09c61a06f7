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

/* a row with a NULL code ends the list */
extern const struct service_code ledger_codes[];

/* Returns the row of the table for this code; NULL: there is none. */
const struct service_code *ledger_code_find(const char *code);
/* Returns the message for people that belongs to the code; never NULL. */
const char *ledger_code_message(const char *code);
/*
 * Makes the error response for a code, and returns the matching error. A code
 * that is not in the table is a defect: it is logged, and the error is
 * ERR_INTERNAL.
 */
enum err ledger_refuse(struct req *r, const char *code);

#endif
