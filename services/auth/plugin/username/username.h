/*
 * username: signing in with a name instead of an address, like BetterAuth's
 * plugin of that name.  The name is stored in lower case and unique;
 * displayUsername keeps the spelling of its owner.  README.md has the rules.
 */
#ifndef AUTH_USERNAME_H
#define AUTH_USERNAME_H

#include <stdbool.h>
#include <stdint.h>

#include "auth/http/refusal.h"
#include "auth/plugin.h"
#include "base/attr.h"
#include "web/service.h"

struct arena;
struct db;

extern const struct auth_plugin username_plugin;

struct username_config {
	int64_t min, max; /* in UTF-16 code units, as JavaScript counts */
	bool immutable;
};

enum username_refusal {
	USERNAME_WRONG, /* or the password is wrong */
	USERNAME_TAKEN,
	USERNAME_TOO_SHORT,
	USERNAME_TOO_LONG,
	USERNAME_INVALID,
	USERNAME_IMMUTABLE,
	USERNAME__MAX
};
extern const struct refusal username_refusals[];

/* Returns NULL when the name is valid. */
const struct refusal *
username_check(const struct username_config *config, const char *name);
/* The name as it is stored. */
const char *username_normal(struct arena *a, const char *name);

/* Finds the owner of the name; ERR_NOT_FOUND: it has none. */
MUST_CHECK enum err username_owner(struct db *db, struct arena *a,
    const char *normal, const char **ret_user_id);

extern const struct route username_routes[];

#endif
