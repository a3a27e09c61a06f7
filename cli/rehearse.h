/*
 * rehearse: tests the configuration of a server with nginx before it is
 * written.
 */
#ifndef CLI_REHEARSE_H
#define CLI_REHEARSE_H

#include <stdbool.h>

#include "base/attr.h"

#include "site.h"

/*
 * Writes nginx's configuration to a temporary directory, with unix sockets
 * instead of ports, and lets nginx test it. So the test needs no right, no free
 * port and no file of the old configuration; but it does read the certificate.
 * False: nginx refuses the configuration; an error was printed.
 */
MUST_CHECK bool rehearse(const struct site *site);

#endif
