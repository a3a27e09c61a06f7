/*
 * nginx_binary: what the installed nginx can do, and whether it accepts a
 * configuration.
 */
#ifndef CLI_NGINX_BINARY_H
#define CLI_NGINX_BINARY_H

#include <stdbool.h>

#include "base/attr.h"

struct arena;

struct nginx_features {
	bool has_http2_directive; /* 1.25.1: "http2 on" instead of "listen" */
	bool has_http3;
};

/*
 * Returns the features of the nginx in PATH. Without an nginx, returns the
 * features that every supported version has.
 */
struct nginx_features nginx_binary_features(struct arena *a);
/*
 * Tests a configuration with "nginx -t". False: nginx refuses it; its messages
 * were printed. A machine without nginx cannot test: then a message says so,
 * and the result is true.
 */
MUST_CHECK bool nginx_binary_accepts(struct arena *a, const char *config);

#endif
