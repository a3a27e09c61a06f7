/*
 * spec_part: reads the parts of kedge.json, each in a file of its own; only
 * spec_read.c puts them together.
 *
 * Each function reads one value and stores it. False: the value is wrong; an
 * error was printed.
 */
#ifndef CLI_SPEC_PART_H
#define CLI_SPEC_PART_H

#include <stdbool.h>

#include "base/attr.h"

#include "json_path.h"
#include "spec.h"

struct json;

/* One object of the list `services` (spec_service.c). */
MUST_CHECK bool spec_service_read(
    const struct json_path *p, const struct json *j, struct spec_service *ret);
/*
 * The prefix, the guard and the roles of an object that is a service or an item
 * of `locations` (spec_location.c).
 */
MUST_CHECK bool spec_location_read(
    const struct json_path *p, const struct json *j, struct spec_location *ret);
/* The members `locations` and `public` of a service (spec_location.c). */
MUST_CHECK bool spec_locations_read(
    const struct json_path *p, const struct json *j, struct spec_service *s);
/* The members `upstream` and `external` of a service (spec_upstream.c). */
MUST_CHECK bool spec_upstream_read(
    const struct json_path *p, const struct json *j, struct spec_service *s);
/*
 * The members web, serverNames, tls, trustedProxies, mail, log and metrics of
 * the whole file (spec_site.c).
 */
MUST_CHECK bool spec_site_read(
    const struct json_path *p, const struct json *j, struct spec *spec);

/*
 * Whether the text is HOST:PORT, where HOST is a name, an IPv4 address or an
 * IPv6 address in brackets (spec_upstream.c).
 */
bool spec_is_host_port(const char *s);
/*
 * Whether the text is an absolute path that nginx and systemd take without
 * quotes: letters, digits and "-_./@+", without "..", at most 200 bytes
 * (spec_upstream.c).
 */
bool spec_is_plain_path(const char *s);

#endif
