/* template: a text with {{names}} in it, filled in. */
#ifndef CLI_TEMPLATE_H
#define CLI_TEMPLATE_H

#include <stdbool.h>

#include "base/attr.h"

struct buf;

struct template_value {
	const char *name; /* NULL ends the list */
	const char *value;
};

/*
 * Appends the text with each {{name}} replaced.  False when a name is not in
 * the list, which is then *ret_unknown's beginning, or is not closed.
 */
MUST_CHECK bool template_fill(struct buf *b, const char *text,
    const struct template_value *values, const char **ret_unknown);

#endif
