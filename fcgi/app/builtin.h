/*
 * builtin: the routes that every service has without declaring them: its
 * OpenAPI document below its prefix, and, at paths that only nginx's loopback
 * locations pass on, its metrics, liveness and readiness.
 */
#ifndef APP_BUILTIN_H
#define APP_BUILTIN_H

#include "web/service.h"

extern const struct builtin service_builtins[];

#endif
