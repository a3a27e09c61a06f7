/*
 * json_path: the path of a value in kedge.json, and checks of values whose
 * error messages begin with it: "kedge.json: services[1].pools.api: must be an
 * object".
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
	/* for example "services[1].pools.api"; "": the whole file */
	const char *path;
};

struct json_path
json_path_member(const struct json_path *p, const char *member);
struct json_path json_path_item(const struct json_path *p, size_t index);

/* Prints an error that begins with the path. Always returns false. */
bool json_path_fail(const struct json_path *p, const char *problem);
/*
 * Checks that the value is an object without unknown members. `known` has the
 * names of the allowed members; NULL ends it.
 */
MUST_CHECK bool json_path_check_object(
    const struct json_path *p, const struct json *j, const char *const *known);
/* Checks that the value is an array of min to max items. */
MUST_CHECK bool json_path_check_array(
    const struct json_path *p, const struct json *j, size_t min, size_t max);
/*
 * Reads the member `name` of the object j, which must be a whole number from
 * min to max.
 */
MUST_CHECK bool json_path_read_int(const struct json_path *p,
    const struct json *j, const char *name, int64_t min, int64_t max,
    int64_t *ret_n);

#endif
