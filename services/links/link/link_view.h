/*
 * link_view: what the routes for links have in common: schemas, error codes,
 * and the checks of what a client sends.
 */
#ifndef LINKS_LINK_VIEW_H
#define LINKS_LINK_VIEW_H

#include "base/attr.h"
#include "base/err.h"
#include "links/link/link.h"
#include "links/link/link_target.h"
#include "web/service.h"

struct req;

enum {
	LINK_TITLE_MAX = 200,
	LINK_PASSWORD_MIN = 4,
	LINK_PASSWORD_MAX = 128,
};

/* The rows of a link in a response, and the schema with these rows. */
extern const struct field link_fields[];
extern const struct schema link_schema;
extern const struct service_code link_codes[];

/* A link as a client wants it; LINK_WISH_FIELDS has its rows. */
struct link_wish {
	const char *target;
	const char *slug; /* NULL: a generated one */
	const char *title;
	const char *expires_at;
	const char *password;
	struct opt_bool enabled; /* not set: true */
};

/* For a struct T with a member `struct link_wish wish`. */
#define LINK_WISH_FIELDS(T)                                                    \
	{ FIELD(T, wish.target, "target"), .required = true,                   \
		.min = TARGET_MIN, .max = TARGET_MAX, .format = FMT_URI,       \
		.doc = "The address to which the link leads: http or https, "  \
		       "without "                                              \
		       "a user name or password, in visible ASCII." },         \
	    { FIELD(T, wish.slug, "slug"), .nullable = true, .min = 3,         \
		    .max = 64,                                                 \
		    .doc = "The last part of the link's address: letters "     \
			   "(capitals are "                                    \
			   "converted), digits, - and _, a letter or digit "   \
			   "at both ends. "                                    \
			   "Without it, one is generated. It cannot be "       \
			   "changed." },                                       \
	    { FIELD(T, wish.title, "title"), .nullable = true, .min = 1,       \
		    .max = LINK_TITLE_MAX, .format = FMT_LINE },               \
	    { FIELD(T, wish.expires_at, "expiresAt"), .nullable = true,        \
		    .format = FMT_DATE_TIME,                                   \
		    .doc =                                                     \
			"From then on the link answers 410; null: never." },   \
	    { FIELD(T, wish.password, "password"), .nullable = true,           \
		    .min = LINK_PASSWORD_MIN, .max = LINK_PASSWORD_MAX,        \
		    .doc = "Who follows the link must enter it." },            \
	{                                                                      \
		FIELD(T, wish.enabled, "enabled"),                             \
		    .doc = "false: the link answers 410. The default is true." \
	}

/* Fails with the row of that code in link_codes. */
enum err link_refuse(struct req *r, const char *code);
const char *link_code_message(const char *code);

/* Why a wish is refused. */
struct link_fault {
	const char *code; /* a row of link_codes; NULL: `field` is invalid */
	const char *field;
	const char *message;
};

/*
 * Checks everything about the wish that needs no database, and makes the link
 * of it, which has no password_hash yet.  ERR_UNPROCESSABLE: see *ret_fault.
 */
MUST_CHECK enum err link_read_wish(struct req *r, const struct link_wish *wish,
    struct link *ret_link, struct link_fault *ret_fault);
/* ERR_UNPROCESSABLE: see *ret_fault. */
MUST_CHECK enum err link_check_target(
    struct req *r, const char *target, struct link_fault *ret_fault);
/* NULL is allowed.  ERR_UNPROCESSABLE: see *ret_fault. */
MUST_CHECK enum err
link_check_expiry(const char *expires_at, struct link_fault *ret_fault);
/* Answers the request with the fault. */
enum err link_refuse_fault(struct req *r, const struct link_fault *fault);

/* The address of the link, as this request's client can use it. */
const char *link_url(struct req *r, const char *slug);

#endif
