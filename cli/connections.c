#include "connections.h"

#include <stdlib.h>

#include "app/service_config.h"
#include "base/arena.h"
#include "base/str.h"

enum {
	SERVER_MIN = 200, /* as it was before there were limits */
	SERVER_SPARE = 20, /* for migrations, backups and people */
	SERVICE_SPARE = 8, /* for people who log in as the service */
	GENERATIONS = 2, /* of processes, in a rolling restart */
	WORKER_OWN = 2, /* a worker's job and its notifications */
	VALUE_MAX = 1000,
};

/* A variable that is no number is refused by the service, not here. */
static int64_t
number_of(struct arena *a, const struct spec_service *service, const char *name,
    int64_t fallback)
{
	const char *value =
	    getenv(arena_printf(a, "%s_%s", service->variable, name));
	int64_t n;

	if (value == NULL || !str_i64(value, 0, VALUE_MAX, &n))
		return fallback;
	return n;
}

int64_t
connections_limit(struct arena *a, const struct spec_service *service)
{
	int64_t each = number_of(
	    a, service, "DATABASE_CONNECTIONS", SERVICE_DATABASE_CONNECTIONS);
	int64_t serving =
	    number_of(a, service, "PROCESSES", service->api.processes);
	int64_t workers =
	    number_of(a, service, "WORKER_PROCESSES", service->workers);

	if (service->verify.processes > 0)
		serving += number_of(
		    a, service, "VERIFY_PROCESSES", service->verify.processes);
	return GENERATIONS * (serving * each + workers * (each + WORKER_OWN)) +
	       SERVICE_SPARE;
}

int64_t
connections_of_server(struct arena *a, const struct spec *spec)
{
	int64_t n = SERVER_SPARE;

	for (int i = 0; i < spec->nservices; i++)
		if (spec->services[i].needs_postgres)
			n += connections_limit(a, &spec->services[i]);
	return n > SERVER_MIN ? n : SERVER_MIN;
}
