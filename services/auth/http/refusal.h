/*
 * refusal: the reasons for which auth refuses a request, each with BetterAuth's
 * status, code and sentence; clients match all three.
 *
 * The refusals of auth itself have names here; a plugin has its own table and
 * refuses by its rows.
 */
#ifndef AUTH_REFUSAL_H
#define AUTH_REFUSAL_H

#include "base/err.h"

struct req;

/*
 * A code that stands for no code: some of BetterAuth's errors have only a
 * message.
 */
#define REFUSAL_NO_CODE ""

struct refusal {
	enum err err;
	const char *code; /* NULL ends a table */
	const char *message; /* NULL, without a code: err_info() has both */
};

enum core_refusal {
	REFUSE_NOT, /* not refused */
	REFUSE_UNAVAILABLE,
	REFUSE_INTERNAL,
	REFUSE_BUSY, /* too many passwords are waiting to be hashed */
	REFUSE_ABANDONED, /* the client has disconnected */
	REFUSE_TOO_MANY, /* too many requests of one kind */
	REFUSE_UNAUTHORIZED,
	REFUSE_NOT_FRESH,
	REFUSE_BANNED,
	REFUSE_SECOND_FACTOR,
	REFUSE_INVALID_EMAIL,
	REFUSE_PASSWORD_TOO_SHORT,
	REFUSE_PASSWORD_TOO_LONG,
	REFUSE_INVALID_PASSWORD,
	REFUSE_INVALID_EMAIL_OR_PASSWORD,
	REFUSE_CREDENTIAL_ACCOUNT_NOT_FOUND,
	REFUSE_USER_EXISTS,
	REFUSE_USER_NOT_FOUND,
	REFUSE_EMAIL_CAN_NOT_BE_UPDATED,
	REFUSE_NO_FIELDS_TO_UPDATE,
	REFUSE_DEFER_SESSION_REQUIRED,
	REFUSE_MISSING_OR_NULL_ORIGIN,
	REFUSE_INVALID_ORIGIN,
	REFUSE_CROSS_SITE_NAVIGATION,
	REFUSE_INVALID_CALLBACK_URL,
	REFUSE_INVALID_REDIRECT_URL,
	REFUSE_INVALID_ERROR_CALLBACK_URL,
	REFUSE_INVALID_NEW_USER_CALLBACK_URL,
	REFUSE_FAILED_TO_CREATE_USER,
	REFUSE__MAX
};

/* Ended by a NULL code. */
extern const struct refusal core_refusals[];

const struct refusal *refusal_row(enum core_refusal why);
/* The refusal for an error of a lower layer. */
enum core_refusal refusal_of(enum err e);
/*
 * Records code and sentence for the error response; returns ERR_OK for
 * REFUSE_NOT.
 */
enum err refuse(struct req *r, enum core_refusal why);
/* Like refuse(), for a row of a plugin's table. */
enum err refuse_by(struct req *r, const struct refusal *row);
/* Refuses with "role is not allowed to be set". */
enum err refuse_field(struct req *r, const char *field);
/* Refuses with "plan is required". */
enum err refuse_missing(struct req *r, const char *field);

#endif
