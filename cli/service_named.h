/* service_named: the service that a person has named on the command line. */
#ifndef CLI_SERVICE_NAMED_H
#define CLI_SERVICE_NAMED_H

#include "spec.h"

/*
 * Returns the service with that name. NULL: there is none; an error was
 * printed, with the service that was probably meant.
 */
const struct spec_service *
service_named(const struct spec *spec, const char *name);

#endif
