/*
 * new_files: the files of a new front end, made from templates/app/ and from
 * the OpenAPI documents of the services.
 */
#ifndef CLI_NEW_FILES_H
#define CLI_NEW_FILES_H

#include <stdbool.h>

#include "base/attr.h"

struct arena;
struct file_set;
struct stack;

struct new_template {
	const char *name;
	/* the address of its development server */
	const char *origin;
	/* the command that starts that server */
	const char *serve;
	/* the directory with the files that nginx serves; NULL: they are built
	 */
	const char *served;
};

struct new_order {
	const char *name; /* of the front end */
	const struct new_template *template;
	/* where the services are, as an origin */
	const char *api;
	/* the page has an origin of its own: it is not served by Kedge */
	bool own_origin;
};

/* Returns the template of that name; NULL: an error was printed. */
const struct new_template *new_template_find(const char *name);

/*
 * Makes the files in memory. False: a template cannot be read or filled, or a
 * service does not print its document; an error was printed.
 */
MUST_CHECK bool new_files_make(
    const struct stack *s, const struct new_order *order, struct file_set *set);

#endif
