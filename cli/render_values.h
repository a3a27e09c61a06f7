/* render_values: the values of the placeholders of render_template.c. */
#ifndef CLI_RENDER_VALUES_H
#define CLI_RENDER_VALUES_H

#include <stdbool.h>

#include "site.h"
#include "template.h"

struct arena;

/* The pools of a service, by index: api, verify, worker. */
enum { RENDER_POOLS = 3 };

bool render_has_pool(const struct spec_service *service, int pool);
/* Whether the pool answers requests: the workers do not. */
bool render_has_socket(int pool);

/* The pool's name: "api", "verify" or "worker". */
const char *render_pool(int pool);
/*
 * Returns the name of the unit or container that runs the pool: "core",
 * "auth-verify", "core-worker".
 */
const char *
render_unit(struct arena *a, const struct spec_service *service, int pool);

/* Returns the values of the placeholders share, lib, url, port and names. */
const struct template_value *
render_site_values(struct arena *a, const struct site *site);
/*
 * Returns the values of the site, and of the placeholders service and variable.
 */
const struct template_value *render_service_values(struct arena *a,
    const struct site *site, const struct spec_service *service);
/*
 * Returns the values of the service, and of the placeholders pool, unit, needs,
 * credentials, network, memory and tasks, which systemd/README.md describes.
 * NULL: the secrets cannot be read; an error was printed.
 */
const struct template_value *render_pool_values(struct arena *a,
    const struct site *site, const char *root,
    const struct spec_service *service, int pool);

#endif
