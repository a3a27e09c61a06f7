/*
 * identity: the part of auth that is present whatever plugins are on: users,
 * accounts, sessions, verification.
 */
#ifndef AUTH_IDENTITY_H
#define AUTH_IDENTITY_H

struct auth_plugin;
struct plugin_set;

/* In the form of plugins, so that plugin_set.h composes both. */
extern const struct auth_plugin identity_session_part, identity_user_part;

/*
 * Called once at start: composes all statements and schemas with plugins'
 * columns.
 */
void identity_compose(const struct plugin_set *set);

#endif
