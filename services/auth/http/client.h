/*
 * client: the client of a request, with the properties that its session will
 * store and by which hashes are shared.
 */
#ifndef AUTH_CLIENT_H
#define AUTH_CLIENT_H

#include "auth/password/hash_pool.h"

struct req;

struct client {
	const char *ip_address; /* "" when unknown */
	const char *user_agent; /* in the form that is stored: valid text,
	                           whatever bytes the client sent */
	struct hash_client
	    waits; /* the client as the queue of password hashes counts it */
};

struct client client_of(const struct req *r);

#endif
