/*
 * render_compose: docker-compose.yml and docker-compose.production.yml, from
 * the templates in docker/.
 */
#ifndef CLI_RENDER_COMPOSE_H
#define CLI_RENDER_COMPOSE_H

#include <stdbool.h>

#include "base/attr.h"

#include "file_set.h"
#include "site.h"

/* Adds both files. False: a template cannot be used; an error was printed. */
MUST_CHECK bool
render_compose_add(const struct site *site, struct file_set *files);

#endif
