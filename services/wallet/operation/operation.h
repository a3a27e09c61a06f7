/*
 * operation: the identity of a request with an Idempotency-Key: the key, and a
 * digest of the request.
 *
 * The digest covers the meaning of the request, not its bytes: white space and
 * the order of JSON members make no difference, not even in metadata. The
 * digest begins with the name of the operation, so that a key cannot be used
 * for two different operations.
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
	/* value of the header; NULL: an item of a batch without a key */
	const char *key;
	/* digest in hexadecimal; operation_end() sets it */
	const char *sha256_hex;
};

/* The schema row for the header Idempotency-Key, for operation_begin_request().
 */
#define OPERATION_KEY_FIELD(T, member) \
	IDEMPOTENCY_KEY_FIELD(T, member), .route_requires = true

/* The schema row for the reason that an operator may give. */
#define OPERATION_REASON_FIELD(T, member)                            \
	FIELD(T, member, "reason"),                                  \
	    .nullable = true, .min = 1, .max = OPERATION_REASON_MAX, \
	    .doc = "The reason; only operators and its author see it."

/* Whether the key is valid: 1 to 255 visible ASCII characters. */
bool operation_key_is_valid(const char *key);
/* Begins the digest of an operation with its name. The key is not checked. */
void operation_begin(
    struct operation *o, struct arena *a, const char *name, const char *key);
/*
 * Like operation_begin(), but reports an error to the client when the request
 * has no valid Idempotency-Key.
 */
MUST_CHECK enum err operation_begin_request(
    struct operation *o, struct req *r, const char *name, const char *key);
/* Adds a text; `text` may be NULL. */
void operation_add_text(struct operation *o, const char *text);
/* Adds a UUID; `text` must be a valid one. */
void operation_add_uuid(struct operation *o, const char *text);
/*
 * Adds a member that older releases did not have: a NULL adds nothing, so the
 * digest is then the one that an older release computes.
 */
void operation_add_reason(struct operation *o, const char *reason);
void operation_add_int(struct operation *o, int64_t n);
void
/* j may be NULL */
operation_add_json(struct operation *o, const struct json *j);
void operation_end(struct operation *o);

/* Whether the request's user is an operator. */
bool operation_is_operators(const struct req *r);
/*
 * The request's id, followed by a space and its trace id if it has one. SQL
 * functions that enqueue jobs store both ids with the job.
 */
const char *operation_origin(struct req *r);
/* Returns "true" or "false", the texts that SQL uses. */
const char *operation_bool(bool value);

#endif
