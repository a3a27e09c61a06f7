/* service_named: the service that a person has named on the command line. */
#ifndef CLI_SERVICE_NAMED_H
#define CLI_SERVICE_NAMED_H

#include "spec.h"

/*
 * Returns the service; NULL: there is none, and an error was printed, which
 * says which service was probably meant.
 */
const struct spec_service *
service_named(const struct spec *spec, const char *name);

#endif
