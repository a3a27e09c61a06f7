/*
 * etag: strong entity tags made from a row's version, and the conditions that
 * clients make with them (RFC 9110 sections 8.8.3, 13.1.1, 13.1.2).
 */
#ifndef WEB_ETAG_H
#define WEB_ETAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

struct arena;

/*
 * The versions that If-Match or If-None-Match names.  Entity tags of other
 * servers match nothing.
 */
struct etag_set {
	bool any; /* "*": any version */
	const int64_t *versions;
	size_t count;
};

enum etag_comparison {
	ETAG_STRONG, /* for If-Match: a weak tag matches nothing */
	ETAG_WEAK, /* for If-None-Match: a weak tag matches, too */
};

/*
 * The header ETag as a row of a route's response headers (struct route_header).
 */
#define ETAG_HEADER                                                           \
	{                                                                     \
		"ETag", "Names this version, for If-Match and If-None-Match." \
	}

/* Returns the entity tag of a version: for 7, a 7 in quotes. */
const char *etag_write(struct arena *a, int64_t version);

/*
 * Reads the value of If-Match or If-None-Match.  Returns false and leaves
 * *ret_set alone when it is neither "*" nor a list of entity tags.
 */
MUST_CHECK bool etag_read(struct arena *a, const char *header,
    enum etag_comparison comparison, struct etag_set *ret_set);

bool etag_has(const struct etag_set *set, int64_t version);

#endif
