/*
 * builtin: what every service answers without declaring it: its OpenAPI
 * document below its prefix, and, at paths that only nginx's loopback locations
 * pass on, its metrics, and whether it lives and is ready.
 */
#ifndef APP_BUILTIN_H
#define APP_BUILTIN_H

#include "web/service.h"

extern const struct builtin service_builtins[];

#endif
