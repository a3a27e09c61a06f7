#include "spec_part.h"

#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/metrics.h"
#include "base/str.h"

enum {
	/* The pool api has at least one of METRICS_SLOTS_MAX processes. */
	WORKERS_MAX = METRICS_SLOTS_MAX - 1,
	/*
	 * A process of Kedge's keeps a body in memory, in a room that all its
	 * requests share (fastcgi/body_room.h).
	 */
	UPLOADS_OWN_MAX_BYTES = 1024 * 1024,
	UPLOADS_MAX_BYTES = 1024 * 1024 * 1024,
};

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
	static const char *const names[] = { "audit", "base", "internal", "job",
		"kedge", "nginx", "postgres", "public", "secrets", "template0",
		"template1", "user", "verify" };
	size_t i;

	for (i = 0; i < COUNT_OF(names); i++)
		if (str_eq(names[i], s))
			return true;
	return str_has_prefix(s, "redis") || str_has_prefix(s, "pg");
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
	       json_path_read_optional(
		   p, j, "processes", 1, 64, &ret->processes) &&
	       json_path_read_int(p, j, "threads", 1, 256, &ret->threads) &&
	       json_path_read_optional(
		   p, j, "keepalive", 0, 256, &ret->keepalive);
}

static bool
read_workers(
    const struct json_path *p, const struct json *j, struct spec_service *s)
{
	static const char *const known[] = { "processes", NULL };
	struct json_path here = json_path_member(p, "worker");

	return j == NULL || (json_path_check_object(&here, j, known) &&
				json_path_read_int(&here, j, "processes", 1,
				    WORKERS_MAX, &s->workers));
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
	struct json_path item;
	const char *need;
	size_t i;

	if (!json_path_check_array(&here, needs, 0, 2))
		return false;
	for (i = 0; i < json_count(needs); i++) {
		item = json_path_item(&here, i);
		need = json_kind(json_item(needs, i)) == JSON_KIND_STRING
		           ? json_get_string(json_item(needs, i))
		           : NULL;
		if (str_eq(need, "postgres"))
			s->needs_postgres = true;
		else if (str_eq(need, "redis"))
			s->needs_redis = true;
		else
			return json_path_fail(
			    &item, "must be \"postgres\" or \"redis\"");
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
read_name(
    const struct json_path *p, const struct json *j, struct spec_service *s)
{
	struct json_path name = json_path_member(p, "name");

	s->name = json_member_string(j, "name");
	if (s->name == NULL || !is_name(s->name))
		return json_path_fail(&name,
		    "must be lower-case letters and digits, a "
		    "letter first, at most 32");
	s->variable = in_capitals(p->arena, s->name);
	return !is_reserved(s->name) || json_path_fail(&name, "is reserved");
}

/* Reads what Kedge does for a service whose processes are not Kedge's. */
static bool
read_foreign(
    const struct json_path *p, const struct json *j, struct spec_service *s)
{
	struct json_path pools = json_path_member(p, "pools");
	struct json_path needs = json_path_member(p, "needs");

	if (json_member(j, "pools") != NULL)
		return json_path_conflict(&pools,
		    "a service with \"upstream\" has no processes of Kedge's");
	if (json_member(j, "needs") == NULL)
		return true;
	if (s->external)
		return json_path_conflict(&needs,
		    "an external service gets no database and no Redis");
	return read_needs(p, j, s);
}

static bool
read_own(
    const struct json_path *p, const struct json *j, struct spec_service *s)
{
	return read_pools(p, j, s) && read_needs(p, j, s) &&
	       (s->workers == 0 || s->needs_postgres ||
		   json_path_conflict(
		       p, "jobs are kept in postgres, which it does not need"));
}

static bool
read_uploads(
    const struct json_path *p, const struct json *j, struct spec_service *s)
{
	return json_path_read_optional(p, j, "uploads", 1,
	    s->upstream.kind == SPEC_UPSTREAM_NONE ? UPLOADS_OWN_MAX_BYTES
						   : UPLOADS_MAX_BYTES,
	    &s->uploads_bytes);
}

bool
spec_service_read(
    const struct json_path *p, const struct json *j, struct spec_service *s)
{
	static const char *const known[] = { "name", "prefix", "guard", "roles",
		"locations", "public", "uploads", "upstream", "external",
		"pools", "needs", NULL };

	if (!json_path_check_object(p, j, known) || !read_name(p, j, s) ||
	    !spec_locations_read(p, j, s) || !spec_upstream_read(p, j, s) ||
	    !read_uploads(p, j, s))
		return false;
	return s->upstream.kind == SPEC_UPSTREAM_NONE ? read_own(p, j, s)
	                                              : read_foreign(p, j, s);
}
