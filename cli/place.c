#include "place.h"

#include "base/arena.h"
#include "base/json.h"
#include "base/str.h"

#include "say.h"

struct place
place_below(const struct place *p, const char *member)
{
	struct place below = *p;

	below.path = *p->path == '\0'
	                 ? member
	                 : arena_printf(p->arena, "%s.%s", p->path, member);
	return below;
}

struct place
place_item(const struct place *p, size_t index)
{
	struct place item = *p;

	item.path = arena_printf(p->arena, "%s[%zu]", p->path, index);
	return item;
}

bool
place_wrong(const struct place *p, const char *problem)
{
	complain("%s: %s%s%s", p->file, p->path, *p->path == '\0' ? "" : ": ",
	    problem);
	return false;
}

struct members {
	const char *const *known; /* ended by NULL */
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

/* An object with no members but those known. */
bool
place_object(
    const struct place *p, const struct json *j, const char *const *known)
{
	struct members m = { .known = known };

	if (j == NULL)
		return place_wrong(p, "is missing");
	if (json_kind(j) != JSON_KIND_OBJECT)
		return place_wrong(p, "must be an object");
	json_each(j, visit_member, &m);
	if (m.unknown != NULL)
		return place_wrong(
		    p, arena_printf(
			   p->arena, "\"%s\" is not known here", m.unknown));
	return true;
}

bool
place_array(const struct place *p, const struct json *j, size_t min, size_t max)
{
	if (j == NULL)
		return place_wrong(p, "is missing");
	if (json_kind(j) != JSON_KIND_ARRAY || json_count(j) < min ||
	    json_count(j) > max)
		return place_wrong(
		    p, arena_printf(
			   p->arena, "must be a list of %zu to %zu", min, max));
	return true;
}

bool
place_int(const struct place *p, const struct json *j, const char *name,
    int64_t min, int64_t max, int64_t *ret_n)
{
	struct place here = place_below(p, name);
	int64_t n;

	if (!json_member_int(j, name, &n) || n < min || n > max)
		return place_wrong(
		    &here, arena_printf(p->arena,
			       "must be a whole number from %lld to %lld",
			       (long long)min, (long long)max));
	*ret_n = n;
	return true;
}
