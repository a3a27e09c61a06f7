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
 * Checks the service of that index against itself and against those before it,
 * and sets spec->verifier when it has the pool verify.  Prints an error that
 * begins with the path p.
 */
MUST_CHECK bool
spec_check_service(const struct json_path *p, struct spec *spec, int index);

#endif
