#include "json_path.h"

#include "base/arena.h"
#include "base/json.h"
#include "base/json_place.h"
#include "base/str.h"

#include "message.h"
#include "nearest.h"

enum { FOUND_MAX = 80 }; /* bytes of a value that a message shows */

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

static void
print_problem(const struct json_path *p, size_t line, const char *problem,
    const char *found)
{
	print_error("%s:%zu: %s%s%s%s", p->file, line, p->path,
	    *p->path == '\0' ? "" : ": ", problem, found);
}

/*
 * Describes a value for the end of a message. The text of an object or an array
 * is left out: it may have many lines, and a message has one line.
 */
static const char *
describe(struct arena *a, const struct json_place *place)
{
	size_t len = place->len < FOUND_MAX ? place->len : FOUND_MAX;

	if (place->value == NULL)
		return "; it is missing";
	if (*place->value == '{')
		return "; found an object";
	if (*place->value == '[')
		return "; found a list";
	return arena_printf(a, "; found %.*s%s", (int)len, place->value,
	    len < place->len ? "..." : "");
}

bool
json_path_fail(const struct json_path *p, const char *problem)
{
	struct json_place place =
	    json_place_find(p->text, p->len, p->path, /* member= */ NULL);

	print_problem(p, place.line, problem, describe(p->arena, &place));
	return false;
}

bool
json_path_conflict(const struct json_path *p, const char *problem)
{
	struct json_place place =
	    json_place_find(p->text, p->len, p->path, /* member= */ NULL);

	print_problem(p, place.line, problem, "");
	return false;
}

/* Checking the members of an object */

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

static bool
fail_unknown(const struct json_path *p, const struct members *m)
{
	struct json_place place =
	    json_place_find(p->text, p->len, p->path, m->unknown);
	const char *nearest = nearest_name(m->known, m->unknown);
	const char *list = "";
	int i;

	for (i = 0; m->known[i] != NULL; i++)
		list = arena_printf(
		    p->arena, "%s%s%s", list, i == 0 ? "" : ", ", m->known[i]);
	print_problem(p, place.line,
	    arena_printf(
		p->arena, "unknown member \"%.*s\"; ", FOUND_MAX, m->unknown),
	    nearest != NULL
		? arena_printf(p->arena, "did you mean \"%s\"?", nearest)
		: arena_printf(p->arena, "expected one of %s", list));
	return false;
}

bool
json_path_check_object(
    const struct json_path *p, const struct json *j, const char *const *known)
{
	struct members m = { .known = known };

	if (j == NULL || json_kind(j) != JSON_KIND_OBJECT)
		return json_path_fail(p, "must be an object");
	json_each(j, visit_member, &m);
	return m.unknown == NULL || fail_unknown(p, &m);
}

/* Checking and reading single values */

bool
json_path_check_array(
    const struct json_path *p, const struct json *j, size_t min, size_t max)
{
	const char *found = "";

	if (j != NULL && json_kind(j) == JSON_KIND_ARRAY) {
		if (json_count(j) >= min && json_count(j) <= max)
			return true;
		found = arena_printf(p->arena, ", not %zu", json_count(j));
	}
	return json_path_fail(
	    p, arena_printf(p->arena, "must be a list of %zu to %zu items%s",
		   min, max, found));
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

bool
json_path_read_optional(const struct json_path *p, const struct json *j,
    const char *name, int64_t min, int64_t max, int64_t *ret_n)
{
	return json_member(j, name) == NULL ||
	       json_path_read_int(p, j, name, min, max, ret_n);
}

bool
json_path_read_bool(const struct json_path *p, const struct json *j,
    const char *name, bool *ret)
{
	struct json_path here = json_path_member(p, name);
	const struct json *value = json_member(j, name);

	if (value == NULL)
		return true;
	if (json_kind(value) != JSON_KIND_BOOL)
		return json_path_fail(&here, "must be true or false");
	*ret = json_get_bool(value);
	return true;
}
