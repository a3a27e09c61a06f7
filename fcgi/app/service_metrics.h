/* service_metrics: the routes of a service as numbers of base/metrics.h. */
#ifndef APP_SERVICE_METRICS_H
#define APP_SERVICE_METRICS_H

#include "base/metrics.h"

struct service;

struct service_metrics {
	int builtin; /* what the library answers by itself */
	int verdict; /* of handle_all */
	int routes[METRICS_ROUTES_MAX]; /* by router_find()'s index */
};

/* Before the workers are forked, so that they agree on the numbers. */
void service_metrics_init(struct service_metrics *m, const struct service *s);

#endif
