/*
 * delete_user: users delete their own account, after a link in a message or, if
 * mail is off, with their password or a session that began recently. BetterAuth
 * has it as the option user.deleteUser; the paths are BetterAuth's.
 */
#ifndef AUTH_DELETE_USER_H
#define AUTH_DELETE_USER_H

#include "auth/plugin.h"

extern const struct auth_plugin delete_user_plugin;

#endif
