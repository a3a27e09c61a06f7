#include "spec.h"

#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/str.h"

#include "file.h"
#include "json_path.h"
#include "spec_check.h"

/*
 * Whether the name matches [a-z][a-z0-9]*, so that it can be an SQL name, a
 * variable and a file name without quotes.
 */
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

/*
 * Names that a service must not have, because Kedge, nginx, PostgreSQL or Redis
 * use them already.
 */
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
    const struct json_path *p, const struct json *j, struct spec_location *ret)
{
	const struct json *roles = json_member(j, "roles");
	struct json_path here = json_path_member(p, "roles");
	const struct json *item;
	size_t i;

	ret->roles = "";
	if (!str_eq(ret->guard, "role-gated"))
		return roles == NULL ||
		       json_path_fail(&here,
			   "is allowed only with the guard \"role-gated\"");
	if (!json_path_check_array(&here, roles, 1, 16))
		return false;
	for (i = 0; i < json_count(roles); i++) {
		item = json_item(roles, i);
		if (json_kind(item) != JSON_KIND_STRING ||
		    !is_role(json_get_string(item)))
			return json_path_fail(&here,
			    "a role may have only letters, digits, "
			    "\"-\" and \"_\", at most 64");
		ret->roles = arena_printf(p->arena, "%s%s%s", ret->roles,
		    i == 0 ? "" : ",", json_get_string(item));
	}
	return true;
}

static bool
read_location(
    const struct json_path *p, const struct json *j, struct spec_location *ret)
{
	static const char *const guards[] = { "none", "standard",
		"role-gated" };
	struct json_path prefix = json_path_member(p, "prefix");
	struct json_path guard = json_path_member(p, "guard");
	size_t i;

	ret->prefix = json_member_string(j, "prefix");
	if (ret->prefix == NULL || !is_prefix(ret->prefix))
		return json_path_fail(
		    &prefix, "must be a path like \"/api/name/\"");
	ret->guard = json_member_string(j, "guard");
	for (i = 0; i < COUNT_OF(guards); i++)
		if (str_eq(guards[i], ret->guard))
			return read_roles(p, j, ret);
	/* This guard is for device sessions, which do not exist yet. */
	if (str_eq(ret->guard, "flexible"))
		return json_path_fail(
		    &guard, "\"flexible\" is not supported yet");
	return json_path_fail(
	    &guard, "must be one of none, standard, role-gated");
}

static bool
read_nested(
    const struct json_path *p, const struct json *j, struct spec_service *s)
{
	static const char *const known[] = { "prefix", "guard", "roles", NULL };
	const struct json *list = json_member(j, "locations");
	struct json_path here = json_path_member(p, "locations");
	struct json_path item;
	struct spec_location *l;
	size_t i;

	if (list == NULL)
		return true;
	if (!json_path_check_array(&here, list, 0, SPEC_LOCATIONS_MAX - 1))
		return false;
	for (i = 0; i < json_count(list); i++) {
		item = json_path_item(&here, i);
		l = &s->locations[s->nlocations++];
		if (!json_path_check_object(&item, json_item(list, i), known) ||
		    !read_location(&item, json_item(list, i), l))
			return false;
		if (!str_has_prefix(l->prefix, s->locations[0].prefix))
			return json_path_fail(&item,
			    "the prefix must begin with the service's own");
	}
	return true;
}

/*
 * Reads a number into *ret_n, which stays unchanged when the member is absent.
 */
static bool
read_optional(const struct json_path *p, const struct json *j, const char *name,
    int64_t min, int64_t max, int64_t *ret_n)
{
	return json_member(j, name) == NULL ||
	       json_path_read_int(p, j, name, min, max, ret_n);
}

static bool
read_pool(
    const struct json_path *p, const struct json *j, struct spec_pool *ret)
{
	static const char *const known[] = { "processes", "threads",
		"keepalive", NULL };

	/*
	 * A service with only one process would be unavailable whenever that
	 * process dies.
	 */
	ret->processes = 2;
	return json_path_check_object(p, j, known) &&
	       read_optional(p, j, "processes", 1, 64, &ret->processes) &&
	       json_path_read_int(p, j, "threads", 1, 256, &ret->threads) &&
	       read_optional(p, j, "keepalive", 0, 256, &ret->keepalive);
}

static bool
read_workers(
    const struct json_path *p, const struct json *j, struct spec_service *s)
{
	static const char *const known[] = { "processes", NULL };
	struct json_path here = json_path_member(p, "worker");

	return j == NULL || (json_path_check_object(&here, j, known) &&
				json_path_read_int(
				    &here, j, "processes", 1, 64, &s->workers));
}

static bool
read_pools(
    const struct json_path *p, const struct json *j, struct spec_service *s)
{
	static const char *const known[] = { "api", "verify", "worker", NULL };
	const struct json *pools = json_member(j, "pools");
	struct json_path here = json_path_member(p, "pools");
	struct json_path api = json_path_member(&here, "api");
	struct json_path verify = json_path_member(&here, "verify");

	if (!json_path_check_object(&here, pools, known) ||
	    !read_pool(&api, json_member(pools, "api"), &s->api) ||
	    !read_workers(&here, json_member(pools, "worker"), s))
		return false;
	if (json_member(pools, "verify") == NULL)
		return true;
	return read_pool(&verify, json_member(pools, "verify"), &s->verify);
}

static bool
read_needs(
    const struct json_path *p, const struct json *j, struct spec_service *s)
{
	const struct json *needs = json_member(j, "needs");
	struct json_path here = json_path_member(p, "needs");
	const struct json *item;
	size_t i;

	if (!json_path_check_array(&here, needs, 0, 2))
		return false;
	for (i = 0; i < json_count(needs); i++) {
		item = json_item(needs, i);
		if (json_kind(item) != JSON_KIND_STRING)
			return json_path_fail(&here,
			    "may contain only \"postgres\" and \"redis\"");
		if (str_eq(json_get_string(item), "postgres"))
			s->needs_postgres = true;
		else if (str_eq(json_get_string(item), "redis"))
			s->needs_redis = true;
		else
			return json_path_fail(&here,
			    "may contain only \"postgres\" and \"redis\"");
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
    const struct json_path *p, const struct json *j, struct spec_service *s)
{
	static const char *const known[] = { "name", "prefix", "guard", "roles",
		"locations", "pools", "needs", NULL };
	struct json_path name = json_path_member(p, "name");

	if (!json_path_check_object(p, j, known))
		return false;
	s->name = json_member_string(j, "name");
	if (s->name == NULL || !is_name(s->name))
		return json_path_fail(&name,
		    "must be lower-case letters and digits, a "
		    "letter first, at most 32");
	if (is_reserved(s->name))
		return json_path_fail(&name, "is reserved");
	s->variable = in_capitals(p->arena, s->name);
	s->nlocations = 1;
	return read_location(p, j, &s->locations[0]) && read_nested(p, j, s) &&
	       read_pools(p, j, s) && read_needs(p, j, s) &&
	       (s->workers == 0 || s->needs_postgres ||
		   json_path_fail(p, "jobs are kept in postgres, which it does "
				     "not need"));
}

static bool
read_nginx(
    const struct json_path *p, const struct json *j, struct spec_nginx *ret)
{
	static const char *const known[] = { "workers", "connections",
		"perAddress", "perNetwork", "logSample", NULL };
	struct json_path here = json_path_member(p, "nginx");

	*ret = (struct spec_nginx){
		.connections = 16384,
		.per_address = 256,
		.per_network = 1024,
		.log_sample = 1,
	};
	if (!json_path_check_object(&here, j, known) ||
	    !json_path_read_int(&here, j, "workers", 1, 64, &ret->workers) ||
	    !read_optional(
		&here, j, "connections", 64, 1000000, &ret->connections) ||
	    !read_optional(
		&here, j, "perAddress", 1, 65535, &ret->per_address) ||
	    !read_optional(
		&here, j, "perNetwork", 1, 65535, &ret->per_network) ||
	    !read_optional(&here, j, "logSample", 1, 10000, &ret->log_sample))
		return false;
	if (ret->per_address > ret->per_network)
		return json_path_fail(
		    &here, "perAddress must not be above perNetwork");
	return ret->per_network <= ret->connections * ret->workers / 4 ||
	       json_path_fail(&here,
		   "perNetwork must be at most a quarter of the connections "
		   "of all workers, or one network could use them all");
}

static bool
read_spec(const struct json_path *p, const struct json *j, struct spec *spec)
{
	static const char *const known[] = { "nginx", "services", NULL };
	const struct json *list;
	struct json_path services = json_path_member(p, "services");
	struct json_path item;
	size_t i;

	if (!json_path_check_object(p, j, known) ||
	    !read_nginx(p, json_member(j, "nginx"), &spec->nginx))
		return false;
	list = json_member(j, "services");
	if (!json_path_check_array(&services, list, 1, SPEC_SERVICES_MAX))
		return false;
	for (i = 0; i < json_count(list); i++) {
		item = json_path_item(&services, i);
		if (!read_service(
			&item, json_item(list, i), &spec->services[i]) ||
		    !spec_check_service(&item, spec, (int)i))
			return false;
		spec->nservices++;
	}
	return spec->verifier != NULL ||
	       json_path_fail(&services, "one service must have a pool verify");
}

bool
spec_read(struct arena *a, const char *path, struct spec *ret_spec)
{
	struct json_path top = { .arena = a, .file = path, .path = "" };
	const char *problem;
	const struct json *j;
	const char *text;
	size_t len;

	text = file_read(a, path, &len);
	if (text == NULL)
		return false;
	j = json_read(a, text, len, &problem);
	if (j == NULL)
		return json_path_fail(&top, problem);
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
