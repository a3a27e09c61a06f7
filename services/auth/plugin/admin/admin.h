/*
 * admin: the part of BetterAuth's admin plugin that exists here: its columns.
 * Bans and roles are enforced whether the plugin is on or off (signin.h,
 * verify/guard.h).
 */
#ifndef AUTH_ADMIN_H
#define AUTH_ADMIN_H

struct auth_plugin;

extern const struct auth_plugin admin_plugin;

#endif
