/*
 * webhook_sign: secrets and signatures of Standard Webhooks 1.0.0
 * (https://www.standardwebhooks.com).  A secret is "whsec_" and the key in
 * base64; a signature is "v1," and the HMAC-SHA256 of ID.TIMESTAMP.BODY in
 * base64.
 */
#ifndef JOB_WEBHOOK_SIGN_H
#define JOB_WEBHOOK_SIGN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

const char *webhook_new_secret(struct arena *a);
/* Whether the text is a webhook secret whose key has 24 to 64 bytes. */
bool webhook_secret_valid(struct arena *a, const char *secret);

struct webhook_message {
	const char *id;
	int64_t timestamp_s;
	const char *body;
	size_t body_len;
};
/*
 * Returns the value of the header webhook-signature. If an old secret is given
 * (it may be NULL), the header has two signatures. Returns NULL if `secret` is
 * not valid.
 */
const char *webhook_sign(struct arena *a, const struct webhook_message *m,
    const char *secret, const char *old_secret);

#endif
