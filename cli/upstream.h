/*
 * upstream: finds out whether an application that is not Kedge's listens where
 * kedge.json says.
 */
#ifndef CLI_UPSTREAM_H
#define CLI_UPSTREAM_H

#include <stdbool.h>

#include "spec.h"

/*
 * Connects to the upstream of the service, and waits half a second for each of
 * its addresses at most.
 */
bool upstream_answers(const struct spec_service *service);

#endif
