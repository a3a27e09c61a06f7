/*
 * admin: what there is of BetterAuth's admin plugin: its columns.  Bans and
 * roles hold whether the plugin is on or off (signin.h, verify/guard.h).
 */
#ifndef AUTH_ADMIN_H
#define AUTH_ADMIN_H

struct auth_plugin;

extern const struct auth_plugin admin_plugin;

#endif
