/* stats_routes: GET /api/core/admin/stats, for role admin. */
#ifndef CORE_STATS_ROUTES_H
#define CORE_STATS_ROUTES_H

#include "web/service.h"

extern const struct route stats_routes[];

#endif
