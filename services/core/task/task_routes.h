/* task_routes: the HTTP routes /api/core/tasks. */
#ifndef CORE_TASK_ROUTES_H
#define CORE_TASK_ROUTES_H

#include "web/service.h"

extern const struct route task_routes[];
/* a row with a NULL code ends the list */
extern const struct service_code task_codes[];

#endif
