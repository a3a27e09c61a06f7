/*
 * auth_shared: memory shared by all worker processes of auth on this host; it
 * survives a rolling restart.
 */
#ifndef AUTH_AUTH_SHARED_H
#define AUTH_AUTH_SHARED_H

#include "auth/identity/lease.h"
#include "auth/identity/session_epoch.h"
#include "auth/identity/session_ticker.h"
#include "auth/password/hash_slots.h"

struct auth_shared {
	struct epoch epoch;
	struct lease lease;
	struct session_turns turns;
	struct hash_slots slots;
};

#endif
