/*
 * operation: what identifies a request with an Idempotency-Key.
 *
 * The digest covers the meaning of the request, not its bytes: white space and
 * the order of members make no difference, in metadata neither.  It begins with
 * the operation's name, so that a key belongs to one operation.
 */
#ifndef WALLET_OPERATION_H
#define WALLET_OPERATION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "web/idempotency.h"
#include "web/schema.h"

struct json;
struct req;

enum { OPERATION_KEY_MAX = IDEMPOTENCY_KEY_MAX, OPERATION_REASON_MAX = 500 };

struct operation {
	struct buf text;
	const char *key; /* of the header; NULL: an item without a key */
	const char *sha256_hex; /* set by operation_end() */
};

/* The schema rows of such a request. */
#define OPERATION_KEY_FIELD(T, member) IDEMPOTENCY_KEY_FIELD(T, member)

/* The schema row for an operator's reason. */
#define OPERATION_REASON_FIELD(T, member)                            \
	FIELD(T, member, "reason"),                                  \
	    .nullable = true, .min = 1, .max = OPERATION_REASON_MAX, \
	    .doc = "The reason; only operators and its author see it."

/* True for 1 to 255 visible ASCII characters. */
bool operation_key_is_valid(const char *key);
/* Begins the digest with the name; checks nothing. */
void operation_begin(
    struct operation *o, struct arena *a, const char *name, const char *key);
/*
 * Like operation_begin(), for a request, whose Idempotency-Key must be present
 * and valid.
 */
MUST_CHECK enum err operation_begin_request(
    struct operation *o, struct req *r, const char *name, const char *key);
void operation_add_text(struct operation *o, const char *text); /* or NULL */
void operation_add_uuid(struct operation *o, const char *text); /* valid */
/*
 * For a member that older releases did not have: adds nothing when it is NULL.
 */
void operation_add_reason(struct operation *o, const char *reason);
void operation_add_int(struct operation *o, int64_t n);
void
operation_add_json(struct operation *o, const struct json *j); /* or NULL */
void operation_end(struct operation *o);

/* Whether the user is an operator. */
bool operation_is_operators(const struct req *r);
/*
 * The ids that jobs enqueued in SQL take over: the request's id, a space, and
 * its trace if it has one.
 */
const char *operation_origin(struct req *r);
/* "true" or "false", as in SQL. */
const char *operation_bool(bool value);

#endif
