/* session_view: the session object of BetterAuth's answers. */
#ifndef AUTH_SESSION_VIEW_H
#define AUTH_SESSION_VIEW_H

#include "auth/identity/session.h"
#include "web/schema.h"

struct session_out {
	struct session session;
};

extern const struct field session_rows[];
extern const struct schema session_schema;

#endif
