/*
 * nginx: makes nginx's configuration, writes it for a stack, and tells how to
 * run nginx there.
 */
#ifndef CLI_NGINX_H
#define CLI_NGINX_H

#include <stdbool.h>

#include "base/attr.h"

#include "file_set.h"
#include "process.h"
#include "site.h"
#include "stack.h"

/*
 * Adds the whole configuration to the set, in the directory nginx/: from the
 * templates in nginx/ and from kedge.json. False: a template cannot be used; an
 * error was printed.
 */
MUST_CHECK bool nginx_add(const struct site *site, struct file_set *files);
/* Writes the configuration of a stack to D/nginx/. */
MUST_CHECK bool nginx_write(const struct stack *s, int port);
/*
 * Sets how to run nginx. False: nginx is not installed; an error was printed.
 */
MUST_CHECK bool
nginx_plan(const struct stack *s, int port, struct process *ret_process);

#endif
