/*
 * cors: which origins nginx names in Access-Control-Allow-Origin.
 *
 * They are the trusted origins of the service with the pool verify, as regular
 * expressions with the same meaning. nginx/cors_map.conf.in is the template.
 */
#ifndef CLI_CORS_H
#define CLI_CORS_H

#include <stdbool.h>

#include "base/attr.h"

struct arena;
struct buf;

struct cors_list {
	const char *url_variable; /* for example "AUTH_URL" */
	const char *url;
	const char *list_variable; /* for example "AUTH_TRUSTED_ORIGINS" */
	const char *list;
};

/*
 * Whether each entry can match an origin. False: an error was printed that says
 * what to write instead.
 */
MUST_CHECK bool cors_check(const struct cors_list *list);
/*
 * Appends the file cors_map.conf, made from the template in `templates`, for
 * example "/usr/share/kedge/nginx". False: the template cannot be read, or an
 * entry can never match an origin; an error was printed that says what to write
 * instead.
 */
MUST_CHECK bool cors_add_map(struct buf *b, struct arena *a,
    const char *templates, const struct cors_list *list);

#endif
