/*
 * access: logs and counts a request after its response was sent.  docs/LOGS.md
 * describes the line, and who writes it.
 */
#ifndef WEB_ACCESS_H
#define WEB_ACCESS_H

#include <stdint.h>

#include "fastcgi/response.h"

struct req;

/* Logs one of n successful requests; the default is 1. */
void access_set_sample(int64_t n);
/* To be called once for each request, after its response. */
void access_end(const struct req *r, struct sent sent);

#endif
