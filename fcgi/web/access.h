/*
 * access: what is said of a request when its answer has been sent: a line in
 * the log, and its count.  docs/LOGS.md describes the line, and who writes it.
 */
#ifndef WEB_ACCESS_H
#define WEB_ACCESS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct req;

/* What became of an answer. */
struct sent {
	/* ERR_ABANDONED: nobody took it, or no more of it; else our failure. */
	enum err e;
	bool begun; /* some of it was taken */
	int64_t bytes; /* of the body */
};

/* Of requests that went well, one in n is logged; 1 at first. */
void access_set_sample(int64_t n);
/* Once for each request, after its answer. */
void access_end(const struct req *r, struct sent sent);

#endif
