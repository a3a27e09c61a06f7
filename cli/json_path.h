/*
 * json_path: the path of a value in kedge.json, and checks of values whose
 * error messages say where the value is, what is wrong, and what was found:
 * "kedge.json:12: services[1].pools.api: must be an object; found 3".
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
	const char *text; /* of the whole file */
	size_t len;
	/* for example "services[1].pools.api"; "": the whole file */
	const char *path;
};

struct json_path
json_path_member(const struct json_path *p, const char *member);
struct json_path json_path_item(const struct json_path *p, size_t index);

/*
 * Prints that the value is wrong: its place, the problem, and the value itself
 * or that there is none. Always returns false.
 */
bool json_path_fail(const struct json_path *p, const char *problem);
/*
 * Prints a problem that is not in this value alone, such as a contradiction
 * between two values: the same without the value. Always returns false.
 */
bool json_path_conflict(const struct json_path *p, const char *problem);
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
/*
 * Like json_path_read_int(), but the member may be absent; *ret_n then stays as
 * it is.
 */
MUST_CHECK bool json_path_read_optional(const struct json_path *p,
    const struct json *j, const char *name, int64_t min, int64_t max,
    int64_t *ret_n);
/* Reads true or false; a member that is absent leaves *ret as it is. */
MUST_CHECK bool json_path_read_bool(const struct json_path *p,
    const struct json *j, const char *name, bool *ret);

#endif
