#include "core/stats/stats_routes.h"

#include "app/service_main.h"
#include "core/stats/stats_store.h"

/* clang-format off */
static const struct field out_fields[] = {
	{ FIELD(struct stats, profiles, "profiles"), .required = true,
	  .doc = "Users with a profile in core." },
	{ FIELD(struct stats, tasks, "tasks"), .required = true,
	  .doc = "Tasks of all users." },
	{ 0 },
};
/* clang-format on */

static enum err
stats_get(struct req *r, const void *in_struct UNUSED, void *out_struct)
{
	struct service_process *core = r->app;

	return stats_count(core->db, r->arena, out_struct);
}

/*
 * The route requires the role admin itself, although verify refuses all other
 * users under /admin/: so the route stays protected if nginx's location is
 * missing.
 */
/* clang-format off */
const struct route stats_routes[] = {
	{ "GET", "/admin/stats", stats_get,
	  .summary = "How many profiles and tasks there are",
	  .role = "admin", .flags = ROUTE_NO_RECORD,
	  .out = SCHEMA_NAMED("Stats", struct stats, out_fields),
	  .errors = BIT(ERR_FORBIDDEN) },
	{ 0 },
};
/* clang-format on */
