#include "spec_part.h"

#include <assert.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/str.h"

enum { NESTED_MAX = 15, PUBLIC_MAX = 16 };
static_assert(1 + NESTED_MAX + PUBLIC_MAX <= SPEC_LOCATIONS_MAX, "too many");

/* what a prefix must be, for messages */
#define PREFIX_EXPECTED                                                   \
	"must be a path like \"/api/name/\", with a slash at both ends, " \
	"that nginx does not use itself"

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
	/* nginx answers these itself; "/_" begins its internal locations. */
	return !str_has_prefix(s, "/health/") &&
	       !str_has_prefix(s, "/metrics/") && !str_has_prefix(s, "/_");
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

bool
spec_location_read(
    const struct json_path *p, const struct json *j, struct spec_location *ret)
{
	static const char *const guards[] = { "none", "standard",
		"role-gated" };
	struct json_path prefix = json_path_member(p, "prefix");
	struct json_path guard = json_path_member(p, "guard");
	size_t i;

	ret->prefix = json_member_string(j, "prefix");
	if (ret->prefix == NULL || !is_prefix(ret->prefix))
		return json_path_fail(&prefix, PREFIX_EXPECTED);
	ret->guard = json_member_string(j, "guard");
	for (i = 0; i < COUNT_OF(guards); i++)
		if (str_eq(guards[i], ret->guard))
			return read_roles(p, j, ret);
	/*
	 * The name "flexible" is reserved for a guard of device sessions, which
	 * auth does not have yet.
	 */
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
	struct json_path item, prefix;
	struct spec_location *l;
	size_t i;

	if (list == NULL)
		return true;
	if (!json_path_check_array(&here, list, 0, NESTED_MAX))
		return false;
	for (i = 0; i < json_count(list); i++) {
		item = json_path_item(&here, i);
		prefix = json_path_member(&item, "prefix");
		l = &s->locations[s->nlocations++];
		if (!json_path_check_object(&item, json_item(list, i), known) ||
		    !spec_location_read(&item, json_item(list, i), l))
			return false;
		if (!str_has_prefix(l->prefix, s->locations[0].prefix))
			return json_path_fail(&prefix,
			    "the prefix must begin with the service's own");
	}
	return true;
}

/*
 * Reads the public prefixes. They may be outside of the service's own prefix:
 * a short link should not begin with "/api/".
 */
static bool
read_public(
    const struct json_path *p, const struct json *j, struct spec_service *s)
{
	const struct json *list = json_member(j, "public");
	struct json_path here = json_path_member(p, "public");
	struct json_path item;
	const char *text;
	size_t i;

	if (list == NULL)
		return true;
	if (!json_path_check_array(&here, list, 1, PUBLIC_MAX))
		return false;
	for (i = 0; i < json_count(list); i++) {
		item = json_path_item(&here, i);
		text = json_kind(json_item(list, i)) == JSON_KIND_STRING
		           ? json_get_string(json_item(list, i))
		           : NULL;
		if (text == NULL || !is_prefix(text))
			return json_path_fail(&item, PREFIX_EXPECTED);
		s->locations[s->nlocations++] = (struct spec_location){
			.prefix = text, .guard = "none", .roles = ""
		};
	}
	return true;
}

bool
spec_locations_read(
    const struct json_path *p, const struct json *j, struct spec_service *s)
{
	s->nlocations = 1;
	return spec_location_read(p, j, &s->locations[0]) &&
	       read_nested(p, j, s) && read_public(p, j, s);
}
