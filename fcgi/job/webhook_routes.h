/* webhook_routes: the HTTP routes PREFIX/webhooks, for administrators. */
#ifndef JOB_WEBHOOK_ROUTES_H
#define JOB_WEBHOOK_ROUTES_H

#include "web/service.h"

extern const struct route webhook_routes[];

#endif
