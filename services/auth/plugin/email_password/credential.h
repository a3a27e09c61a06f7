/*
 * credential: signing up and in with e-mail and password, and changing it.
 *
 * Every attempt to sign in costs one hash, whoever it is for: an address that
 * is not there, or has no password, is hashed against a dummy.  Who is told
 * which, and when, does not differ.
 */
#ifndef AUTH_CREDENTIAL_H
#define AUTH_CREDENTIAL_H

#include <stdbool.h>

#include "auth/http/refusal.h"
#include "auth/identity/user.h"
#include "auth/password/hash_pool.h"
#include "base/attr.h"

struct arena;
struct auth;

/* Who asks, and where a session begins. */
struct client {
	const char *ip_address; /* "" when unknown */
	const char *user_agent;
	struct hash_client waits; /* for the hash */
};

struct signed_in {
	const char *token; /* NULL: no new session */
	struct user user;
};

struct sign_up {
	const char *email; /* valid, as typed */
	const char *password;
	const char *name;
	const char *image; /* or NULL */
	bool remember;
};
MUST_CHECK enum refusal credential_sign_up(struct auth *auth, struct arena *a,
    const struct sign_up *in, const struct client *client,
    struct signed_in *ret_signed_in);

struct sign_in {
	const char *email; /* canonical */
	const char *password;
	bool remember;
};
MUST_CHECK enum refusal credential_sign_in(struct auth *auth, struct arena *a,
    const struct sign_in *in, const struct client *client,
    struct signed_in *ret_signed_in);

struct password_change {
	const char *user_id;
	const char *current;
	const char *wanted;
	/* All sessions end, and a new one begins. */
	bool revoke_sessions;
};
MUST_CHECK enum refusal credential_change_password(struct auth *auth,
    struct arena *a, const struct password_change *in,
    const struct client *client, struct signed_in *ret_signed_in);

#endif
