/*
 * secret_rotate: replaces each kind of secret while the services run. False: an
 * error was printed; the same rotation can be begun again.
 */
#ifndef CLI_SECRET_ROTATE_H
#define CLI_SECRET_ROTATE_H

#include <stdbool.h>

#include "base/attr.h"

#include "secret_place.h"

MUST_CHECK bool secrets_rotate_auth(const struct secrets *s);
MUST_CHECK bool secrets_rotate_database(
    const struct secrets *s, const struct spec_service *service);
MUST_CHECK bool secrets_rotate_redis(
    const struct secrets *s, const struct spec_service *service);

#endif
