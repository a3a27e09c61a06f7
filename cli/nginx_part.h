/*
 * nginx_part: the parts of nginx's configuration. Each function adds its files
 * to the set. False: a template cannot be used; an error was printed.
 */
#ifndef CLI_NGINX_PART_H
#define CLI_NGINX_PART_H

#include <stdbool.h>

#include "base/attr.h"

#include "file_set.h"
#include "site.h"

/* nginx.conf, limits.conf and log.conf (nginx_main.c) */
MUST_CHECK bool nginx_main_add(const struct site *site, struct file_set *files);
/*
 * The addresses that nginx listens on, and TLS: servers.conf, realip.conf,
 * tls.conf and transport.conf (nginx_server.c)
 */
MUST_CHECK bool
nginx_servers_add(const struct site *site, struct file_set *files);
/*
 * cors_map.conf: which origins may read answers, from the variables in force
 * (nginx_cors.c)
 */
MUST_CHECK bool nginx_cors_add(const struct site *site, struct file_set *files);
/* web_root.conf: what is at "/" (nginx_web.c) */
MUST_CHECK bool nginx_web_add(const struct site *site, struct file_set *files);
/* upstreams.conf (nginx_upstream.c) */
MUST_CHECK bool
nginx_upstreams_add(const struct site *site, struct file_set *files);
/* services.conf, health.conf and internal.conf (nginx_location.c) */
MUST_CHECK bool
nginx_locations_add(const struct site *site, struct file_set *files);

#endif
