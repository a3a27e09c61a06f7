/*
 * etag: strong entity tags made of a row's version, and the preconditions in
 * which clients send them back (RFC 9110 sections 8.8.3, 13.1.1, 13.1.2).
 */
#ifndef WEB_ETAG_H
#define WEB_ETAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

struct arena;

/* The versions that a header names.  Tags that are not ours match nothing. */
struct etag_set {
	bool any; /* "*": whatever there is */
	const int64_t *versions;
	size_t count;
};

enum etag_comparison {
	ETAG_STRONG, /* If-Match: a weak tag matches nothing */
	ETAG_WEAK, /* If-None-Match */
};

/* Of a struct route_header. */
#define ETAG_HEADER                                                           \
	{                                                                     \
		"ETag", "Names this version, for If-Match and If-None-Match." \
	}

/* "\"7\"" */
const char *etag_write(struct arena *a, int64_t version);

/*
 * Reads the value of If-Match or If-None-Match.  False, and *ret_set as it
 * was, when it is neither "*" nor a list of entity tags.
 */
MUST_CHECK bool etag_read(struct arena *a, const char *header,
    enum etag_comparison comparison, struct etag_set *ret_set);

bool etag_has(const struct etag_set *set, int64_t version);

#endif
