/*
 * place: where in kedge.json we are, for complaints that say so, and the checks
 * that end in one: "kedge.json: services[1].pools.api: must be an object".
 */
#ifndef CLI_PLACE_H
#define CLI_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

struct arena;
struct json;

struct place {
	struct arena *arena;
	const char *file;
	const char *path; /* "services[1].pools.api"; "" for the whole */
};

struct place place_below(const struct place *p, const char *member);
struct place place_item(const struct place *p, size_t index);

/* Complains; always false. */
bool place_wrong(const struct place *p, const char *problem);
/* An object with no members but those known, a list ended by NULL. */
MUST_CHECK bool place_object(
    const struct place *p, const struct json *j, const char *const *known);
/* An array of min to max items. */
MUST_CHECK bool place_array(
    const struct place *p, const struct json *j, size_t min, size_t max);
/* The member `name` of j, a whole number from min to max. */
MUST_CHECK bool place_int(const struct place *p, const struct json *j,
    const char *name, int64_t min, int64_t max, int64_t *ret_n);

#endif
