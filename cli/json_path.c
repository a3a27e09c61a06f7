#include "json_path.h"

#include "base/arena.h"
#include "base/json.h"
#include "base/str.h"

#include "message.h"

struct json_path
json_path_member(const struct json_path *p, const char *member)
{
	struct json_path below = *p;

	below.path = *p->path == '\0'
	                 ? member
	                 : arena_printf(p->arena, "%s.%s", p->path, member);
	return below;
}

struct json_path
json_path_item(const struct json_path *p, size_t index)
{
	struct json_path item = *p;

	item.path = arena_printf(p->arena, "%s[%zu]", p->path, index);
	return item;
}

bool
json_path_fail(const struct json_path *p, const char *problem)
{
	print_error("%s: %s%s%s", p->file, p->path,
	    *p->path == '\0' ? "" : ": ", problem);
	return false;
}

struct members {
	/* names of the allowed members; NULL ends the list */
	const char *const *known;
	const char *unknown;
};

static void
visit_member(void *ctx, const char *name, const struct json *value UNUSED)
{
	struct members *m = ctx;
	int i;

	for (i = 0; m->known[i] != NULL; i++)
		if (str_eq(m->known[i], name))
			return;
	m->unknown = name;
}

bool
json_path_check_object(
    const struct json_path *p, const struct json *j, const char *const *known)
{
	struct members m = { .known = known };

	if (j == NULL)
		return json_path_fail(p, "is missing");
	if (json_kind(j) != JSON_KIND_OBJECT)
		return json_path_fail(p, "must be an object");
	json_each(j, visit_member, &m);
	if (m.unknown != NULL)
		return json_path_fail(p,
		    arena_printf(p->arena, "unknown member \"%s\"", m.unknown));
	return true;
}

bool
json_path_check_array(
    const struct json_path *p, const struct json *j, size_t min, size_t max)
{
	if (j == NULL)
		return json_path_fail(p, "is missing");
	if (json_kind(j) != JSON_KIND_ARRAY || json_count(j) < min ||
	    json_count(j) > max)
		return json_path_fail(
		    p, arena_printf(p->arena,
			   "must be a list of %zu to %zu items", min, max));
	return true;
}

bool
json_path_read_int(const struct json_path *p, const struct json *j,
    const char *name, int64_t min, int64_t max, int64_t *ret_n)
{
	struct json_path here = json_path_member(p, name);
	int64_t n;

	if (!json_member_int(j, name, &n) || n < min || n > max)
		return json_path_fail(
		    &here, arena_printf(p->arena,
			       "must be a whole number from %lld to %lld",
			       (long long)min, (long long)max));
	*ret_n = n;
	return true;
}
