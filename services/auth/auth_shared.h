/*
 * auth_shared: what all worker processes of auth on this host have in common;
 * it outlives a rolling restart.
 */
#ifndef AUTH_AUTH_SHARED_H
#define AUTH_AUTH_SHARED_H

#include "auth/password/hash_slots.h"
#include "auth/session/session_epoch.h"

struct auth_shared {
	struct epoch epoch;
	struct hash_slots slots;
};

#endif
