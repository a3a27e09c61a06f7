#include "connections.h"

#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "app/service_config.h"
#include "base/arena.h"
#include "base/str.h"
#include "web/query.h"

enum {
	/* the smallest max_connections, which earlier releases always used */
	SERVER_MIN = 200,
	/* connections left for migrations, backups and people */
	SERVER_SPARE = 20,
	/* connections left for people who log in as the service's role */
	SERVICE_SPARE = 8,
	/* old and new processes run together in a rolling restart */
	GENERATIONS = 2,
	/* a worker process has one connection for each of its two threads */
	WORKER_OWN = 2,
	VALUE_MAX = 1000,
	/* for an application whose number of processes Kedge does not know */
	FOREIGN = 32,
};

const char *
connections_url(const struct stack *s, const char *role, const char *password,
    const char *database)
{
	const char *dir = arena_printf(s->arena, "%s/" POSTGRES_DIR, s->dir);
	struct sockaddr_un un;

	if (s->is_system)
		return arena_printf(
		    s->arena, "postgresql://%s@/%s", role, database);
	/*
	 * libpq accepts only absolute paths of a socket's directory. This path
	 * is absolute and short.
	 */
	if (strlen(s->dir) + strlen("/" POSTGRES_SOCKET) >= sizeof(un.sun_path))
		dir = "/proc/self/cwd/" POSTGRES_DIR;
	return arena_printf(s->arena, "postgresql://%s%s%s@/%s?host=%s", role,
	    password != NULL ? ":" : "",
	    password != NULL ? percent_encode(s->arena, password) : "",
	    database, percent_encode(s->arena, dir));
}

/*
 * Reads a number from an environment variable. An invalid value is ignored
 * here; the service reports it.
 */
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

	if (!spec_is_own(service))
		return FOREIGN + SERVICE_SPARE;
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
