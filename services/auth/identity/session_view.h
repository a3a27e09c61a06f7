/* session_view: the session object in BetterAuth's responses. */
#ifndef AUTH_SESSION_VIEW_H
#define AUTH_SESSION_VIEW_H

#include <stddef.h>

#include "auth/identity/columns.h"
#include "auth/identity/session.h"
#include "web/schema.h"

struct session_out {
	struct session session;
	struct column_slot columns[COLUMNS_MAX];
};

/* Filled at start: the plugins' columns come before the id. */
extern struct field session_rows[];
extern const struct schema session_schema;

void session_view_compose(const struct plugin_set *set);
void session_view(const struct session *session, struct session_out *ret_out);

#endif
