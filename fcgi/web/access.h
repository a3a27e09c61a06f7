/*
 * access: what is said of a request when its answer has been sent: a line in
 * the log, and its count.  docs/LOGS.md describes the line, and who writes it.
 */
#ifndef WEB_ACCESS_H
#define WEB_ACCESS_H

#include <stdint.h>

#include "fastcgi/response.h"

struct req;

/* Of requests that went well, one in n is logged; 1 at first. */
void access_set_sample(int64_t n);
/* Once for each request, after its answer. */
void access_end(const struct req *r, struct sent sent);

#endif
