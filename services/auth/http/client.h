/* client: who asks, as a session remembers it and as hashes are shared out. */
#ifndef AUTH_CLIENT_H
#define AUTH_CLIENT_H

#include "auth/password/hash_pool.h"

struct req;

struct client {
	const char *ip_address; /* "" when unknown */
	const char *user_agent; /* as it is stored: text, whatever was sent */
	struct hash_client waits; /* for the hash */
};

struct client client_of(const struct req *r);

#endif
