/*
 * audit_routes: the audit log for administrators: GET /audit and, as CSV, GET
 * /audit/export (docs/AUDIT.md). Each service that has jobs has these routes.
 */
#ifndef APP_AUDIT_ROUTES_H
#define APP_AUDIT_ROUTES_H

#include "web/service.h"

extern const struct route audit_routes[];

#endif
