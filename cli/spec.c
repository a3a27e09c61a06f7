#include "spec.h"

#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/metrics.h"
#include "base/str.h"

#include "file.h"
#include "place.h"

/* Of a process; half of its connections (fastcgi/event_loop.c). */
enum { KEPT_MAX = 256 };

/* [a-z][a-z0-9]*: an SQL name, a variable and a file name without quotes. */
static bool
is_name(const char *s)
{
	size_t len = strlen(s);
	size_t i;

	if (len == 0 || len > 32 || !(s[0] >= 'a' && s[0] <= 'z'))
		return false;
	for (i = 0; i < len; i++)
		if (!((s[i] >= 'a' && s[i] <= 'z') ||
			(s[i] >= '0' && s[i] <= '9')))
			return false;
	return true;
}

/* Names of ours or of PostgreSQL's that a service would collide with. */
static bool
is_reserved(const char *s)
{
	static const char *const names[] = { "base", "internal", "job", "kedge",
		"nginx", "postgres", "public", "secrets", "template0",
		"template1", "user", "verify" };
	size_t i;

	for (i = 0; i < COUNT_OF(names); i++)
		if (str_eq(names[i], s))
			return true;
	return str_has_prefix(s, "redis") || str_has_prefix(s, "pg");
}

static bool
is_prefix(const char *s)
{
	size_t len = strlen(s);
	size_t i;

	if (len < 3 || len > 128 || s[0] != '/' || s[len - 1] != '/')
		return false;
	for (i = 0; i < len; i++) {
		if (s[i] == '/' && s[i + 1] == '/')
			return false;
		if (strchr("abcdefghijklmnopqrstuvwxyz0123456789-_/", s[i]) ==
		    NULL)
			return false;
	}
	return !str_has_prefix(s, "/health/") &&
	       !str_has_prefix(s, "/metrics/");
}

static bool
is_role(const char *s)
{
	size_t i;

	for (i = 0; s[i] != '\0'; i++)
		if (!str_is_alnum(s[i]) && s[i] != '_' && s[i] != '-')
			return false;
	return i > 0 && i <= 64;
}

static bool
read_roles(
    const struct place *p, const struct json *j, struct spec_location *ret)
{
	const struct json *roles = json_member(j, "roles");
	struct place here = place_below(p, "roles");
	const struct json *item;
	size_t i;

	ret->roles = "";
	if (!str_eq(ret->guard, "role-gated"))
		return roles == NULL ||
		       place_wrong(
			   &here, "is for the guard \"role-gated\" only");
	if (!place_array(&here, roles, 1, 16))
		return false;
	for (i = 0; i < json_count(roles); i++) {
		item = json_item(roles, i);
		if (json_kind(item) != JSON_KIND_STRING ||
		    !is_role(json_get_string(item)))
			return place_wrong(
			    &here, "a role is letters, digits, - and _");
		ret->roles = arena_printf(p->arena, "%s%s%s", ret->roles,
		    i == 0 ? "" : ",", json_get_string(item));
	}
	return true;
}

static bool
read_location(
    const struct place *p, const struct json *j, struct spec_location *ret)
{
	static const char *const guards[] = { "none", "standard",
		"role-gated" };
	struct place prefix = place_below(p, "prefix");
	struct place guard = place_below(p, "guard");
	size_t i;

	ret->prefix = json_member_string(j, "prefix");
	if (ret->prefix == NULL || !is_prefix(ret->prefix))
		return place_wrong(
		    &prefix, "must be a path like \"/api/name/\"");
	ret->guard = json_member_string(j, "guard");
	for (i = 0; i < COUNT_OF(guards); i++)
		if (str_eq(guards[i], ret->guard))
			return read_roles(p, j, ret);
	/* For device sessions, which there are none of: nobody would pass. */
	if (str_eq(ret->guard, "flexible"))
		return place_wrong(&guard, "\"flexible\" is not offered yet");
	return place_wrong(&guard, "must be one of none, standard, role-gated");
}

static bool
read_nested(const struct place *p, const struct json *j, struct spec_service *s)
{
	static const char *const known[] = { "prefix", "guard", "roles", NULL };
	const struct json *list = json_member(j, "locations");
	struct place here = place_below(p, "locations");
	struct place item;
	struct spec_location *l;
	size_t i;

	if (list == NULL)
		return true;
	if (!place_array(&here, list, 0, SPEC_LOCATIONS_MAX - 1))
		return false;
	for (i = 0; i < json_count(list); i++) {
		item = place_item(&here, i);
		l = &s->locations[s->nlocations++];
		if (!place_object(&item, json_item(list, i), known) ||
		    !read_location(&item, json_item(list, i), l))
			return false;
		if (!str_has_prefix(l->prefix, s->locations[0].prefix))
			return place_wrong(&item,
			    "the prefix must lie below the service's own");
	}
	return true;
}

/* As it is in *ret_n when the member is absent. */
static bool
read_optional(const struct place *p, const struct json *j, const char *name,
    int64_t min, int64_t max, int64_t *ret_n)
{
	return json_member(j, name) == NULL ||
	       place_int(p, j, name, min, max, ret_n);
}

static bool
read_pool(const struct place *p, const struct json *j, struct spec_pool *ret)
{
	static const char *const known[] = { "processes", "threads",
		"keepalive", NULL };

	/* With one, each death is an outage. */
	ret->processes = 2;
	return place_object(p, j, known) &&
	       read_optional(p, j, "processes", 1, 64, &ret->processes) &&
	       place_int(p, j, "threads", 1, 256, &ret->threads) &&
	       read_optional(p, j, "keepalive", 0, 256, &ret->keepalive);
}

static bool
read_workers(
    const struct place *p, const struct json *j, struct spec_service *s)
{
	static const char *const known[] = { "processes", NULL };
	struct place here = place_below(p, "worker");

	return j == NULL ||
	       (place_object(&here, j, known) &&
		   place_int(&here, j, "processes", 1, 64, &s->workers));
}

static bool
read_pools(const struct place *p, const struct json *j, struct spec_service *s)
{
	static const char *const known[] = { "api", "verify", "worker", NULL };
	const struct json *pools = json_member(j, "pools");
	struct place here = place_below(p, "pools");
	struct place api = place_below(&here, "api");
	struct place verify = place_below(&here, "verify");

	if (!place_object(&here, pools, known) ||
	    !read_pool(&api, json_member(pools, "api"), &s->api) ||
	    !read_workers(&here, json_member(pools, "worker"), s))
		return false;
	if (json_member(pools, "verify") == NULL)
		return true;
	return read_pool(&verify, json_member(pools, "verify"), &s->verify);
}

static bool
read_needs(const struct place *p, const struct json *j, struct spec_service *s)
{
	const struct json *needs = json_member(j, "needs");
	struct place here = place_below(p, "needs");
	const struct json *item;
	size_t i;

	if (!place_array(&here, needs, 0, 2))
		return false;
	for (i = 0; i < json_count(needs); i++) {
		item = json_item(needs, i);
		if (json_kind(item) != JSON_KIND_STRING)
			return place_wrong(
			    &here, "may hold postgres and redis");
		if (str_eq(json_get_string(item), "postgres"))
			s->needs_postgres = true;
		else if (str_eq(json_get_string(item), "redis"))
			s->needs_redis = true;
		else
			return place_wrong(
			    &here, "may hold postgres and redis");
	}
	return true;
}

static const char *
in_capitals(struct arena *a, const char *name)
{
	char *capitals = arena_strdup(a, name);
	size_t i;

	for (i = 0; capitals[i] != '\0'; i++)
		if (capitals[i] >= 'a' && capitals[i] <= 'z')
			capitals[i] = (char)(capitals[i] - 'a' + 'A');
	return capitals;
}

static bool
read_service(
    const struct place *p, const struct json *j, struct spec_service *s)
{
	static const char *const known[] = { "name", "prefix", "guard", "roles",
		"locations", "pools", "needs", NULL };
	struct place name = place_below(p, "name");

	if (!place_object(p, j, known))
		return false;
	s->name = json_member_string(j, "name");
	if (s->name == NULL || !is_name(s->name))
		return place_wrong(&name,
		    "must be lower-case letters and digits, a "
		    "letter first, at most 32");
	if (is_reserved(s->name))
		return place_wrong(&name, "is taken by Kedge or its servers");
	s->variable = in_capitals(p->arena, s->name);
	s->nlocations = 1;
	return read_location(p, j, &s->locations[0]) && read_nested(p, j, s) &&
	       read_pools(p, j, s) && read_needs(p, j, s) &&
	       (s->workers == 0 || s->needs_postgres ||
		   place_wrong(p, "jobs are kept in postgres, which it does "
				  "not need"));
}

/* Each worker of nginx may keep `keepalive` connections. */
static bool
check_kept(const struct place *p, const struct spec *spec,
    const struct spec_pool *pool, const char *name)
{
	int64_t kept = pool->keepalive * spec->nginx.workers;
	int64_t room = pool->processes * KEPT_MAX;

	return kept <= room ||
	       place_wrong(p,
		   arena_printf(p->arena,
		       "keepalive %lld on each of %lld nginx workers is more "
		       "than the %lld connections that the pool %s can keep",
		       (long long)pool->keepalive,
		       (long long)spec->nginx.workers, (long long)room, name));
}

/* What its master can count. */
static bool
check_processes(const struct place *p, const struct spec_service *s)
{
	int64_t n = s->api.processes + s->verify.processes + s->workers;

	if (n <= METRICS_SLOTS_MAX)
		return true;
	return place_wrong(
	    p, arena_printf(p->arena, "%lld processes in all pools, at most %d",
		   (long long)n, METRICS_SLOTS_MAX));
}

static bool
check_apart(const struct place *p, const struct spec_service *s,
    const struct spec_service *other)
{
	int i, k;

	if (str_eq(s->name, other->name))
		return place_wrong(p, "the name is taken by a service before");
	for (i = 0; i < s->nlocations; i++)
		for (k = 0; k < other->nlocations; k++)
			if (str_has_prefix(s->locations[i].prefix,
				other->locations[k].prefix) ||
			    str_has_prefix(other->locations[k].prefix,
				s->locations[i].prefix))
				return place_wrong(
				    p, arena_printf(p->arena,
					   "the prefix %s overlaps %s of %s",
					   s->locations[i].prefix,
					   other->locations[k].prefix,
					   other->name));
	return true;
}

/* A service's own nested prefixes may contain each other, not be the same. */
static bool
check_own(const struct place *p, const struct spec_service *s)
{
	int i, k;

	for (i = 0; i < s->nlocations; i++)
		for (k = 0; k < i; k++)
			if (str_eq(
				s->locations[i].prefix, s->locations[k].prefix))
				return place_wrong(
				    p, arena_printf(p->arena,
					   "the prefix %s is there twice",
					   s->locations[i].prefix));
	return true;
}

/* It is auth, where BetterAuth's clients and the other services look for it. */
static bool
take_verifier(
    const struct place *p, struct spec *spec, const struct spec_service *s)
{
	struct place prefix = place_below(p, "prefix");

	if (spec->verifier != NULL)
		return place_wrong(p, "only one service has a pool verify");
	if (!str_eq(s->locations[0].prefix, "/api/auth/"))
		return place_wrong(&prefix,
		    "must be \"/api/auth/\", where the clients of the service "
		    "with the pool verify call it");
	spec->verifier = s;
	return true;
}

static bool
check_service(const struct place *p, struct spec *spec, int index)
{
	const struct spec_service *s = &spec->services[index];
	int i;

	if (!check_kept(p, spec, &s->api, "api") ||
	    !check_kept(p, spec, &s->verify, "verify") ||
	    !check_processes(p, s) || !check_own(p, s))
		return false;
	for (i = 0; i < index; i++)
		if (!check_apart(p, s, &spec->services[i]))
			return false;
	return s->verify.processes == 0 || take_verifier(p, spec, s);
}

static bool
read_nginx(const struct place *p, const struct json *j, struct spec_nginx *ret)
{
	static const char *const known[] = { "workers", "connections",
		"perAddress", "perNetwork", "logSample", NULL };
	struct place here = place_below(p, "nginx");

	*ret = (struct spec_nginx){
		.connections = 16384,
		.per_address = 256,
		.per_network = 1024,
		.log_sample = 1,
	};
	if (!place_object(&here, j, known) ||
	    !place_int(&here, j, "workers", 1, 64, &ret->workers) ||
	    !read_optional(
		&here, j, "connections", 64, 1000000, &ret->connections) ||
	    !read_optional(
		&here, j, "perAddress", 1, 65535, &ret->per_address) ||
	    !read_optional(
		&here, j, "perNetwork", 1, 65535, &ret->per_network) ||
	    !read_optional(&here, j, "logSample", 1, 10000, &ret->log_sample))
		return false;
	if (ret->per_address > ret->per_network)
		return place_wrong(
		    &here, "perAddress must not be above perNetwork");
	return ret->per_network <= ret->connections * ret->workers / 4 ||
	       place_wrong(&here,
		   "perNetwork must be at most a quarter of the connections "
		   "of all workers, or one network keeps others out");
}

static bool
read_spec(const struct place *p, const struct json *j, struct spec *spec)
{
	static const char *const known[] = { "nginx", "services", NULL };
	const struct json *list;
	struct place services = place_below(p, "services");
	struct place item;
	size_t i;

	if (!place_object(p, j, known) ||
	    !read_nginx(p, json_member(j, "nginx"), &spec->nginx))
		return false;
	list = json_member(j, "services");
	if (!place_array(&services, list, 1, SPEC_SERVICES_MAX))
		return false;
	for (i = 0; i < json_count(list); i++) {
		item = place_item(&services, i);
		if (!read_service(
			&item, json_item(list, i), &spec->services[i]) ||
		    !check_service(&item, spec, (int)i))
			return false;
		spec->nservices++;
	}
	return spec->verifier != NULL ||
	       place_wrong(&services, "one must have a pool verify");
}

bool
spec_read(struct arena *a, const char *path, struct spec *ret_spec)
{
	struct place top = { .arena = a, .file = path, .path = "" };
	const char *problem;
	const struct json *j;
	const char *text;
	size_t len;

	text = file_read(a, path, &len);
	if (text == NULL)
		return false;
	j = json_read(a, text, len, &problem);
	if (j == NULL)
		return place_wrong(&top, problem);
	*ret_spec = (struct spec){ 0 };
	return read_spec(&top, j, ret_spec);
}

const struct spec_service *
spec_find(const struct spec *spec, const char *name)
{
	int i;

	for (i = 0; i < spec->nservices; i++)
		if (str_eq(spec->services[i].name, name))
			return &spec->services[i];
	return NULL;
}
