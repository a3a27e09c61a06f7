/*
 * scaffold_name: which names of services, entities and fields are possible, and
 * how they are written in C, in SQL, in JSON and in paths.
 */
#ifndef CLI_SCAFFOLD_NAME_H
#define CLI_SCAFFOLD_NAME_H

#include <stdbool.h>

#include "base/attr.h"

struct arena;

/* A name in its spellings, by the example blog_post. */
struct name {
	const char *snake; /* blog_post: in C and SQL, as it was given */
	const char *snakes; /* blog_posts */
	const char *kebabs; /* blog-posts: in paths */
	const char *camel; /* blogPost: in JSON */
	const char *pascal; /* BlogPost: a schema's name */
	const char *capitals; /* BLOG_POST: in enumerators */
	const char *capitalss; /* BLOG_POSTS: in variables and error codes */
	const char *words; /* blog post: in sentences */
	const char *wordss; /* blog posts */
};

/* Spells a name that consists of lower-case letters, digits and "_". */
struct name name_spell(struct arena *a, const char *snake);

/*
 * Checks the name of a service, an entity or a field. False: it cannot be used;
 * an error that says why was printed.
 */
MUST_CHECK bool name_check_service(const char *name);
MUST_CHECK bool name_check_entity(const char *service, const char *name);
MUST_CHECK bool name_check_field(const char *name);

#endif
