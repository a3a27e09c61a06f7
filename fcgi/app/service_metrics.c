#include "app/service_metrics.h"

#include <assert.h>
#include <stdio.h>

#include "web/service.h"

enum { LABEL_SIZE = 256 };

static int
number_of(const struct service *s, const struct route *row)
{
	char label[LABEL_SIZE];

	snprintf(
	    label, sizeof(label), "%s %s%s", row->method, s->prefix, row->path);
	return metrics_route(label);
}

void
service_metrics_init(struct service_metrics *m, const struct service *s)
{
	int n = 0;

	m->builtin = metrics_route("builtin");
	m->verdict = -1;
	if (s->handle_all != NULL) {
		m->verdict = metrics_route("verdict");
		return; /* it has no routes */
	}
	for (const struct route *const *list = s->routes; *list != NULL;
	     list++) {
		for (const struct route *row = *list; row->method != NULL;
		     row++) {
			assert(n < METRICS_ROUTES_MAX);
			m->routes[n++] = number_of(s, row);
		}
	}
}
