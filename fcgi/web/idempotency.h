/*
 * idempotency: requests that may be sent twice and happen once, by the header
 * Idempotency-Key.
 *
 * A service remembers, in the transaction of what the request does, the user,
 * the key, the request's digest and what it needs to give the same answer
 * again.  A second request with the key and the same digest is answered as the
 * first time, with Idempotency-Replayed: true; one with another digest is 409
 * IDEMPOTENCY_KEY_REUSED.
 */
#ifndef WEB_IDEMPOTENCY_H
#define WEB_IDEMPOTENCY_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/err.h"
#include "web/service.h"

struct req;

enum { IDEMPOTENCY_KEY_MAX = 255 };

/* The row that such a request has. */
#define IDEMPOTENCY_KEY_FIELD(T, member)                                 \
	FIELD(T, member, "Idempotency-Key"),                             \
	    .from = FROM_HEADER, .max = IDEMPOTENCY_KEY_MAX,             \
	    .doc = "1 to 255 visible ASCII characters, the user's own. " \
		   "The same key and request again are answered as the " \
		   "first time, with Idempotency-Replayed: true."

/* For OpenAPI, among a route's headers. */
#define IDEMPOTENCY_REPLAYED_HEADER                            \
	{                                                      \
		"Idempotency-Replayed",                        \
		    "true: this request was answered before.", \
	}

/* What a request is known by. */
struct idempotency {
	const char *key; /* NULL: it has none, and may happen again */
	const char *sha256_hex; /* of the request; NULL without a key */
};

/* True for 1 to 255 visible ASCII characters. */
bool idempotency_key_is_valid(const char *key);
/*
 * `key` is the header's value, or NULL.  The digest is of method, path and
 * body: what was asked for, not the bytes that asked; blanks and the order of
 * members make no difference.  ERR_INVALID: the key is none.
 */
MUST_CHECK enum err idempotency_read(
    struct req *r, const char *key, struct idempotency *ret_idempotency);
/* The answer is the one to an earlier request with the key. */
void idempotency_note_replay(struct req *r);
/* ERR_CONFLICT, IDEMPOTENCY_KEY_REUSED. */
enum err idempotency_refuse(struct req *r);

#endif
