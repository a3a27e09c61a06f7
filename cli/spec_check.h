/*
 * spec_check: the rules of kedge.json that concern more than one value, such as
 * prefixes that must not overlap.
 */
#ifndef CLI_SPEC_CHECK_H
#define CLI_SPEC_CHECK_H

#include <stdbool.h>

#include "base/attr.h"

#include "json_path.h"
#include "spec.h"

/*
 * Checks the service with that index by itself and against the services before
 * it, and sets spec->verifier if the service has the pool verify. An error is
 * printed with the path p in front.
 */
MUST_CHECK bool
spec_check_service(const struct json_path *p, struct spec *spec, int index);

#endif
