/*
 * username_check: what a user name may be, and how it is stored.
 */
#ifndef AUTH_USERNAME_CHECK_H
#define AUTH_USERNAME_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "auth/http/refusal.h"
#include "base/config.h"

struct arena;
struct req;

struct username_config {
	int64_t min, max; /* in UTF-16 code units, as JavaScript counts */
	bool immutable;
};
extern const struct config_var username_vars[];
const struct username_config *username_config(const struct req *r);

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
const struct refusal *username_check(const struct req *r, const char *name);
/* Returns the name in the form that is stored and compared: in lower case. */
const char *username_normal(struct arena *a, const char *name);

#endif
