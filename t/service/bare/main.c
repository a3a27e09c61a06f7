/*
 * bare: a service without PostgreSQL and Redis, for t/05-service.t.  It counts
 * the requests of each process.  It is not installed.
 */
#include <stdatomic.h>

#include "app/service_main.h"

struct visit {
	int64_t number;
};

/* clang-format off */
static const struct field visit_fields[] = {
	{ FIELD(struct visit, number, "number"), .required = true },
	{ 0 },
};
/* clang-format on */

static enum err
bare_post(struct req *r UNUSED, const void *in_struct UNUSED, void *out_struct)
{
	static atomic_llong visits;
	struct visit *out = out_struct;

	out->number = atomic_fetch_add(&visits, 1) + 1;
	return ERR_OK;
}

/* clang-format off */
static const struct route bare_routes[] = {
	{ "POST", "/visits", bare_post, .summary = "Count a visit",
	  .out = SCHEMA_NAMED("Visit", struct visit, visit_fields) },
	{ 0 },
};
static const struct route *const routes[] = { bare_routes, NULL };
/* clang-format on */

static const struct service service = {
	.name = "bare",
	.title = "Bare",
	.prefix = "/api/bare",
	.routes = routes,
};

static struct service_config config;

static const struct service_program program = {
	.name = "bare",
	.flags = SERVICE_BASE | SERVICE_NO_DATABASE | SERVICE_NO_REDIS,
	.service = &service,
	.config = &config,
};

int
main(int argc, char **argv)
{
	return service_main(&program, argc, argv);
}
