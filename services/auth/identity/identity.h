/*
 * identity: the part of auth that is there whatever plugins are on: users,
 * accounts, sessions, verification.
 */
#ifndef AUTH_IDENTITY_H
#define AUTH_IDENTITY_H

struct auth_plugin;
struct plugin_set;

/* In the form of plugins, which they are composed with (plugin_set.h). */
extern const struct auth_plugin identity_session_part, identity_user_part;

/* At start, once: all statements and schemas that have plugins' columns. */
void identity_compose(const struct plugin_set *set);

#endif
