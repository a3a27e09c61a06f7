/* doctor_target: which service an address in nginx's configuration leads to. */
#ifndef CLI_DOCTOR_TARGET_H
#define CLI_DOCTOR_TARGET_H

#include <stdbool.h>

#include "doctor.h"

struct nginx_directive;

/*
 * Finds the service behind the argument of a directive like fastcgi_pass: the
 * name of an upstream block, or an address. *ret_is_verify: it is the pool
 * verify. NULL: no service of kedge.json.
 */
const struct spec_service *doctor_target_find(struct doctor *d,
    const struct nginx_directive *top, const char *target, bool *ret_is_verify);
/*
 * The location of kedge.json to which a path belongs: the location with the
 * longest prefix. NULL: the path is in no location of the service.
 */
const struct spec_location *
doctor_target_location(const struct spec_service *service, const char *path);

#endif
