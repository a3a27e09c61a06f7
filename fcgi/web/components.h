/*
 * components: the part of an OpenAPI document that its operations refer to:
 * named schemas, the error answers, the session cookie.
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
 * Adds the schema and those it refers to, where they have names.  One name
 * means one table of rows in one direction (asserted).  NULL is fine.
 */
void components_collect(struct components *c, const struct schema *s, bool out);
void components_write(
    const struct components *c, const struct service *s, struct buf *b);

#endif
