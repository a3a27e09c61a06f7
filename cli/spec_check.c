#include "spec_check.h"

#include "base/arena.h"
#include "base/metrics.h"
#include "base/str.h"

/*
 * The idle connections that one service process accepts: half of all its
 * connections (fastcgi/event_loop.c).
 */
enum { KEEPALIVE_MAX = 256 };

/*
 * Checks `keepalive`: the idle connections that all nginx workers may keep must
 * not exceed those that the pool accepts.
 */
static bool
check_keepalive(const struct json_path *p, const struct spec *spec,
    const struct spec_pool *pool, const char *name)
{
	int64_t kept = pool->keepalive * spec->nginx.workers;
	int64_t room = pool->processes * KEEPALIVE_MAX;

	return kept <= room ||
	       json_path_conflict(p,
		   arena_printf(p->arena,
		       "keepalive %lld on each of %lld nginx workers is more "
		       "than the %lld connections that the pool %s can keep",
		       (long long)pool->keepalive,
		       (long long)spec->nginx.workers, (long long)room, name));
}

/*
 * Checks the number of processes: the master has counters for METRICS_SLOTS_MAX
 * processes.
 */
static bool
check_processes(const struct json_path *p, const struct spec_service *s)
{
	int64_t n = s->api.processes + s->verify.processes + s->workers;

	if (n <= METRICS_SLOTS_MAX)
		return true;
	return json_path_conflict(
	    p, arena_printf(p->arena, "%lld processes in all pools, at most %d",
		   (long long)n, METRICS_SLOTS_MAX));
}

static bool
check_apart(const struct json_path *p, const struct spec_service *s,
    const struct spec_service *other)
{
	int i, k;

	if (str_eq(s->name, other->name))
		return json_path_conflict(
		    p, "another service has the same name");
	for (i = 0; i < s->nlocations; i++)
		for (k = 0; k < other->nlocations; k++)
			if (str_has_prefix(s->locations[i].prefix,
				other->locations[k].prefix) ||
			    str_has_prefix(other->locations[k].prefix,
				s->locations[i].prefix))
				return json_path_conflict(
				    p, arena_printf(p->arena,
					   "the prefix %s overlaps %s of %s",
					   s->locations[i].prefix,
					   other->locations[k].prefix,
					   other->name));
	return true;
}

/*
 * Checks prefixes. One prefix of a service may contain another, but no two may
 * be the same.
 */
static bool
check_own(const struct json_path *p, const struct spec_service *s)
{
	int i, k;

	for (i = 0; i < s->nlocations; i++)
		for (k = 0; k < i; k++)
			if (str_eq(
				s->locations[i].prefix, s->locations[k].prefix))
				return json_path_conflict(
				    p, arena_printf(p->arena,
					   "the prefix %s is used twice",
					   s->locations[i].prefix));
	return true;
}

/*
 * Checks that the service with the pool verify is auth, at /api/auth/:
 * BetterAuth's clients and the other services call it there.
 */
static bool
take_verifier(
    const struct json_path *p, struct spec *spec, const struct spec_service *s)
{
	struct json_path prefix = json_path_member(p, "prefix");

	if (spec->verifier != NULL)
		return json_path_conflict(
		    p, "only one service has a pool verify");
	if (!str_eq(s->locations[0].prefix, "/api/auth/"))
		return json_path_fail(&prefix,
		    "must be \"/api/auth/\", where the clients of the service "
		    "with the pool verify call it");
	spec->verifier = s;
	return true;
}

bool
spec_check_service(const struct json_path *p, struct spec *spec, int index)
{
	const struct spec_service *s = &spec->services[index];
	int i;

	if (!check_keepalive(p, spec, &s->api, "api") ||
	    !check_keepalive(p, spec, &s->verify, "verify") ||
	    !check_processes(p, s) || !check_own(p, s))
		return false;
	for (i = 0; i < index; i++)
		if (!check_apart(p, s, &spec->services[i]))
			return false;
	return s->verify.processes == 0 || take_verifier(p, spec, s);
}
