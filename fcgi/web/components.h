/*
 * components: the part of an OpenAPI document that operations refer to: named
 * schemas, error responses, the session cookie.
 */
#ifndef WEB_COMPONENTS_H
#define WEB_COMPONENTS_H

#include <stdbool.h>

#include "web/schema.h"

struct buf;
struct service;

enum { COMPONENTS_MAX = 256 };

struct components {
	struct {
		const struct schema *schema;
		bool out;
	} named[COMPONENTS_MAX];
	int count;
};

/*
 * Collects the schema and the named schemas that it refers to, for input or for
 * output.  One name must always mean the same rows in the same direction
 * (asserted).  NULL is allowed.
 */
void components_collect(struct components *c, const struct schema *s, bool out);
void components_write(
    const struct components *c, const struct service *s, struct buf *b);

#endif
