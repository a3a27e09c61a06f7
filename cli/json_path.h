/*
 * place: where in kedge.json we are, for complaints that say so, and the checks
 * that end in one: "kedge.json: services[1].pools.api: must be an object".
 */
#ifndef CLI_JSON_PATH_H
#define CLI_JSON_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

struct arena;
struct json;

struct json_path {
	struct arena *arena;
	const char *file;
	const char *path; /* "services[1].pools.api"; "" for the whole */
};

struct json_path
json_path_member(const struct json_path *p, const char *member);
struct json_path json_path_item(const struct json_path *p, size_t index);

/* Complains; always false. */
bool json_path_fail(const struct json_path *p, const char *problem);
/* An object with no members but those known, a list ended by NULL. */
MUST_CHECK bool json_path_check_object(
    const struct json_path *p, const struct json *j, const char *const *known);
/* An array of min to max items. */
MUST_CHECK bool json_path_check_array(
    const struct json_path *p, const struct json *j, size_t min, size_t max);
/* The member `name` of j, a whole number from min to max. */
MUST_CHECK bool json_path_read_int(const struct json_path *p,
    const struct json *j, const char *name, int64_t min, int64_t max,
    int64_t *ret_n);

#endif
