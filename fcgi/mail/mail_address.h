/*
 * mail_address: checks the address of a recipient or sender, and takes apart
 * what an operator writes as the sender.
 *
 * An address is ASCII: a dot-atom, "@", and a domain of labels (RFC 5321
 * section 4.1.2).  Quoted local parts and address literals are refused, because
 * many mail servers refuse them, too.  Addresses that need RFC 6532 (letters
 * beyond ASCII) are refused: a server on the way that cannot carry them would
 * return the mail.
 */
#ifndef MAIL_MAIL_ADDRESS_H
#define MAIL_MAIL_ADDRESS_H

#include "base/attr.h"
#include "base/err.h"

struct arena;

enum {
	MAIL_ADDRESS_MAX_BYTES = 254, /* RFC 5321 section 4.5.3.1.3 */
	MAIL_LOCAL_MAX_BYTES = 64,
	MAIL_LABEL_MAX_BYTES = 63,
};

/*
 * Returns NULL for an address that can be used, otherwise a stable code:
 * "MAIL_ADDRESS_NOT_ASCII", "MAIL_ADDRESS_TOO_LONG" or "MAIL_ADDRESS_INVALID".
 */
const char *mail_address_problem(const char *address);

/*
 * Splits "ADDRESS", "NAME <ADDRESS>" or "\"NAME\" <ADDRESS>"; *ret_name is ""
 * without a name.  ERR_INVALID: it is none of these, the address cannot be
 * used, or the name is not UTF-8 or has control characters.
 */
MUST_CHECK enum err mail_address_split(struct arena *a, const char *text,
    const char **ret_name, const char **ret_address);

/* The part after the "@" of an address that can be used. */
const char *mail_address_domain(const char *address);

#endif
