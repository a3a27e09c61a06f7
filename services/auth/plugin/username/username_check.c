#include "auth/plugin/username/username_check.h"

#include <stddef.h>

#include "auth/auth.h"
#include "base/arena.h"
#include "base/str.h"
#include "base/utf8.h"

/* clang-format off */
const struct refusal username_refusals[] = {
	[USERNAME_WRONG] = { ERR_UNAUTHENTICATED,
	    "INVALID_USERNAME_OR_PASSWORD", "Invalid username or password" },
	[USERNAME_TAKEN] = { ERR_INVALID, "USERNAME_IS_ALREADY_TAKEN",
	    "Username is already taken. Please try another." },
	[USERNAME_TOO_SHORT] = { ERR_INVALID, "USERNAME_TOO_SHORT",
	    "Username is too short" },
	[USERNAME_TOO_LONG] = { ERR_INVALID, "USERNAME_TOO_LONG",
	    "Username is too long" },
	[USERNAME_INVALID] = { ERR_INVALID, "INVALID_USERNAME",
	    "Username is invalid" },
	[USERNAME_IMMUTABLE] = { ERR_INVALID, "USERNAME_IS_IMMUTABLE",
	    "Username cannot be updated" },
	[USERNAME__MAX] = { 0 },
};

const struct config_var username_vars[] = {
	{ CONFIG(struct username_config, min, "USERNAME_MIN"),
	  .fallback = "3", .min = 1, .max = 255, .unit = "characters",
	  .doc = "A user name has so many at least. (minUsernameLength)" },
	{ CONFIG(struct username_config, max, "USERNAME_MAX"),
	  .fallback = "30", .min = 1, .max = 255, .unit = "characters",
	  .doc = "And so many at most. (maxUsernameLength)" },
	{ CONFIG(struct username_config, immutable, "USERNAME_IMMUTABLE"),
	  .fallback = "off",
	  .doc = "Who has a user name keeps it. (immutableUsername)" },
	{ 0 },
};
/* clang-format on */

const struct username_config *
username_config(const struct req *r)
{
	return plugin_config(auth_of(r), username_vars);
}

const struct refusal *
username_check(const struct req *r, const char *name)
{
	const struct username_config *config = username_config(r);
	size_t units = utf8_utf16_length(name);

	if ((int64_t)units < config->min)
		return &username_refusals[USERNAME_TOO_SHORT];
	if ((int64_t)units > config->max)
		return &username_refusals[USERNAME_TOO_LONG];
	for (; *name != '\0'; name++) {
		if (!str_is_alnum(*name) && *name != '_' && *name != '.')
			return &username_refusals[USERNAME_INVALID];
	}
	return NULL;
}

/*
 * Returns the name in lower case.  Only ASCII letters change: username_check()
 * accepts no others, and other characters of a display name stay as they are.
 */
const char *
username_normal(struct arena *a, const char *name)
{
	char *normal = arena_strdup(a, name);

	str_lower(normal);
	return normal;
}
