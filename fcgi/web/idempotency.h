/*
 * idempotency: requests with the header Idempotency-Key, which may be sent
 * twice and are executed once.
 *
 * In the transaction of the request, a service stores the user, the key, the
 * request's digest and what it needs to give the same response again.  A second
 * request with the same key and digest gets the same response, with
 * Idempotency-Replayed: true; a request with the same key and another digest
 * gets 409 IDEMPOTENCY_KEY_REUSED.
 */
#ifndef WEB_IDEMPOTENCY_H
#define WEB_IDEMPOTENCY_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/err.h"
#include "web/service.h"

struct req;

enum { IDEMPOTENCY_KEY_MAX = 255 };

/* The header Idempotency-Key as a schema row of a route's input. */
#define IDEMPOTENCY_KEY_FIELD(T, member)                                 \
	FIELD(T, member, "Idempotency-Key"),                             \
	    .from = FROM_HEADER, .max = IDEMPOTENCY_KEY_MAX,             \
	    .doc = "1 to 255 visible ASCII characters, the user's own. " \
		   "The same key and request again are answered as the " \
		   "first time, with Idempotency-Replayed: true."

/*
 * The header Idempotency-Replayed as a row of a route's response headers, for
 * OpenAPI.
 */
#define IDEMPOTENCY_REPLAYED_HEADER                            \
	{                                                      \
		"Idempotency-Replayed",                        \
		    "true: this request was answered before.", \
	}

/*
 * The idempotency key of a request, and a digest by which another request with
 * the same key is recognised.
 */
struct idempotency {
	const char
	    *key; /* NULL: the request has no key and may be executed again */
	const char *sha256_hex; /* digest of the request; NULL without a key */
};

/* True for 1 to 255 visible ASCII characters. */
bool idempotency_key_is_valid(const char *key);
/*
 * `key` is the header's value, or NULL.  The digest covers method, path and the
 * meaning of the body: white space and the order of members make no difference.
 * ERR_INVALID: the key is not valid.
 */
MUST_CHECK enum err idempotency_read(
    struct req *r, const char *key, struct idempotency *ret_idempotency);
/* Marks the response as a repetition of an earlier one. */
void idempotency_note_replay(struct req *r);
/* Fails with ERR_CONFLICT and the code IDEMPOTENCY_KEY_REUSED. */
enum err idempotency_refuse(struct req *r);

#endif
