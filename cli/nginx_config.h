/*
 * nginx_config: reads the configuration that nginx really uses, as "nginx -T"
 * prints it: a tree of directives, with included files in their places.
 *
 * Blocks of Lua code are not understood, because they have another syntax.
 */
#ifndef CLI_NGINX_CONFIG_H
#define CLI_NGINX_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"

struct arena;

struct nginx_directive {
	const char *name;
	const char *const *args; /* without quotes; NULL ends them */
	int nargs;
	const char *file;
	size_t line;
	struct nginx_directive *parent; /* NULL for the top */
	struct nginx_directive *first; /* of the block; NULL: none */
	struct nginx_directive *next; /* in the same block */
};

/*
 * Parses the output of "nginx -T". Returns a directive without a name whose
 * block is the main file. NULL: the text is not understood; *ret_problem says
 * where.
 */
struct nginx_directive *
nginx_config_parse(struct arena *a, const char *dump, const char **ret_problem);
/*
 * The first directive of that name in the block of `d`, from `after` on (NULL:
 * from the beginning). NULL: there is none.
 */
const struct nginx_directive *nginx_config_find(const struct nginx_directive *d,
    const char *name, const struct nginx_directive *after);
/*
 * The directive that applies in the block `d`: its own, or that of the
 * innermost block around it that has one. NULL: none.
 */
const struct nginx_directive *
nginx_config_effective(const struct nginx_directive *d, const char *name);
/* The next directive of the whole tree, blocks before what follows them. */
const struct nginx_directive *
nginx_config_next(const struct nginx_directive *d);

#endif
