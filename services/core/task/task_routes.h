/* task_routes: /api/core/tasks. */
#ifndef CORE_TASK_ROUTES_H
#define CORE_TASK_ROUTES_H

#include "web/service.h"

extern const struct route task_routes[];
extern const struct service_code task_codes[]; /* ended by a NULL code */

#endif
