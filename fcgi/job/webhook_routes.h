/* webhook_routes: PREFIX/webhooks, for admins. */
#ifndef JOB_WEBHOOK_ROUTES_H
#define JOB_WEBHOOK_ROUTES_H

#include "web/service.h"

extern const struct route webhook_routes[];

#endif
