/*
 * bearer: a session's token in `Authorization: Bearer`, as BetterAuth's plugin
 * of that name takes it, and `set-auth-token` on each answer that sets the
 * session's cookie.  README.md has the rules.
 */
#ifndef AUTH_BEARER_H
#define AUTH_BEARER_H

struct auth_plugin;

extern const struct auth_plugin bearer_plugin;

#endif
