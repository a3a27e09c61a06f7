/*
 * username: signing in by a name instead of an address, as BetterAuth's plugin
 * of that name has it.  The name is stored in lower case and unique;
 * displayUsername is how its owner wrote it.  README.md has the rules.
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
	int64_t min, max; /* UTF-16 code units, as JavaScript counts */
	bool immutable;
};

enum username_refusal {
	USERNAME_WRONG, /* or the password is */
	USERNAME_TAKEN,
	USERNAME_TOO_SHORT,
	USERNAME_TOO_LONG,
	USERNAME_INVALID,
	USERNAME_IMMUTABLE,
	USERNAME__MAX
};
extern const struct refusal username_refusals[];

/* NULL: it is a good name. */
const struct refusal *
username_check(const struct username_config *config, const char *name);
/* As it is stored. */
const char *username_normal(struct arena *a, const char *name);

/* Whose it is; ERR_NOT_FOUND: nobody's. */
MUST_CHECK enum err username_owner(struct db *db, struct arena *a,
    const char *normal, const char **ret_user_id);

extern const struct route username_routes[];

#endif
