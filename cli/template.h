/*
 * template: fills the placeholders of template files, such as those in nginx/
 * and templates/.
 *
 * A placeholder is a name in double braces: "{{service}}". A value is inserted
 * as it is: it is not searched for placeholders, and nothing is quoted.
 *
 * The text between "{{#fields}}" and "{{/fields}}" is a section. It is repeated
 * for each item of the value `fields`, with the item's values in addition to
 * those outside; it is left out when the value has no items. Such a tag that is
 * alone in its line disappears with the line. A section cannot contain another
 * one of the same name.
 */
#ifndef CLI_TEMPLATE_H
#define CLI_TEMPLATE_H

#include <stdbool.h>

#include "base/attr.h"

struct arena;
struct buf;

struct template_value {
	const char *name; /* NULL ends a list of values */
	const char *value;
	/*
	 * For a section: an array with the values of each item, ended by NULL.
	 * If `items` itself is NULL, the value is not a section.
	 */
	const struct template_value *const *items;
};

/*
 * Returns `items` for a section without values of its own, which is written
 * once if the condition is true, and otherwise left out.
 */
const struct template_value *const *template_when(bool condition);

/*
 * Appends the text to *b and replaces each {{name}} by its value. False: a name
 * is not in the list, or "}}" or the end of a section is missing; *ret_unknown
 * points to the braces before that name, and no error was printed. The caller
 * checks buf_failed().
 */
MUST_CHECK bool template_add(struct buf *b, const char *text,
    const struct template_value *values, const char **ret_unknown);
/*
 * Like template_add(), with the contents of a file. False: the file cannot be
 * read or has an unknown placeholder; an error was printed.
 */
MUST_CHECK bool template_add_file(struct buf *b, struct arena *a,
    const char *path, const struct template_value *values);

#endif
