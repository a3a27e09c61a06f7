/*
 * bearer: accepts a session's token in `Authorization: Bearer`, like
 * BetterAuth's plugin of that name, and adds `set-auth-token` to each response
 * that sets the session's cookie.  README.md has the rules.
 */
#ifndef AUTH_BEARER_H
#define AUTH_BEARER_H

struct auth_plugin;

extern const struct auth_plugin bearer_plugin;

#endif
