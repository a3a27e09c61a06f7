/* capture: collects what a test writes to standard error as text. */
#ifndef CAPTURE_H
#define CAPTURE_H

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct capture {
	int file;
	int stderr_copy;
};

static inline void
capture_begin(struct capture *c)
{
	char name[] = "/tmp/capture-XXXXXX";

	c->file = mkstemp(name);
	if (c->file < 0)
		abort();
	unlink(name);
	c->stderr_copy = dup(STDERR_FILENO);
	dup2(c->file, STDERR_FILENO);
}

/* Ends the capture; copies at most size - 1 captured bytes, and a NUL. */
static inline void
capture_end(struct capture *c, char *out, size_t size)
{
	ssize_t len;

	dup2(c->stderr_copy, STDERR_FILENO);
	close(c->stderr_copy);
	len = pread(c->file, out, size - 1, 0);
	out[len < 0 ? 0 : len] = '\0';
	close(c->file);
}

#endif
