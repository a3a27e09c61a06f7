/*
 * email_verification: confirming an address by a link in a message, and
 * changing it.  BetterAuth has these as the options emailVerification and
 * user.changeEmail; the paths are BetterAuth's.
 */
#ifndef AUTH_EMAIL_VERIFICATION_H
#define AUTH_EMAIL_VERIFICATION_H

#include "auth/plugin.h"

extern const struct auth_plugin email_verification_plugin;

#endif
