/*
 * email_token: the tokens of links that confirm an address, JSON Web Tokens as
 * BetterAuth signs them.  They name the user and the address that the user has
 * at the time, so that they are worth nothing when it has changed.
 */
#ifndef AUTH_EMAIL_TOKEN_H
#define AUTH_EMAIL_TOKEN_H

#include <stdint.h>

struct arena;
struct auth;

struct email_token {
	const char *email; /* canonical */
	const char *user_id; /* NULL: a token of BetterAuth before 1.7.25 */
	const char *update_to; /* canonical; NULL: only to be verified */
	const char *request_type; /* or NULL */
};

#define CHANGE_CONFIRMATION "change-email-confirmation"
#define CHANGE_VERIFICATION "change-email-verification"

const char *email_token_sign(const struct auth *auth, struct arena *a,
    const struct email_token *token, int64_t ttl_s);

enum email_token_state {
	EMAIL_TOKEN_VALID,
	EMAIL_TOKEN_EXPIRED,
	EMAIL_TOKEN_INVALID
};
/* Signed with AUTH_SECRET or AUTH_SECRET_PREVIOUS. */
enum email_token_state email_token_read(const struct auth *auth,
    struct arena *a, const char *text, struct email_token *ret_token);

#endif
