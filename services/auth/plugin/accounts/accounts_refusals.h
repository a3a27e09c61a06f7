/* accounts_refusals: what the plugin refuses. */
#ifndef AUTH_ACCOUNTS_REFUSALS_H
#define AUTH_ACCOUNTS_REFUSALS_H

#include "auth/http/refusal.h"

enum accounts_refusal { ACCOUNTS_LAST, ACCOUNTS_NOT_FOUND };
extern const struct refusal accounts_refusals[];

#endif
