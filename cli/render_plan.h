/*
 * render_plan: compares the files of a server with what kedge.json says, and
 * writes what differs.
 */
#ifndef CLI_RENDER_PLAN_H
#define CLI_RENDER_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"

#include "site.h"

enum render_change {
	RENDER_SAME, /* nothing to do */
	RENDER_NEW,
	RENDER_CHANGED, /* kedge.json, a template or a variable has changed */
	RENDER_EDITED, /* somebody has edited the file */
	RENDER_FOREIGN, /* there is a file that Kedge has not written */
	RENDER_GONE, /* kedge.json no longer has what the file was for */
	RENDER_GONE_EDITED, /* RENDER_GONE, and somebody has edited the file */
};

struct render_file {
	const char *path;
	const char *text; /* NULL for a file that is to be removed */
	const char *additions; /* where additions belong; may be "" */
	enum render_change change;
};

struct render_plan {
	struct arena *arena;
	struct render_file *files; /* sorted by path; those to remove last */
	size_t n;
};

struct render_options {
	const char *root; /* "" or the directory that stands for "/" */
	const char *source; /* the path of kedge.json, for the marks */
	unsigned kinds; /* bit i: the kind render_kinds[i] */
};

/* Makes all files in memory and compares them. False: an error was printed. */
MUST_CHECK bool render_plan_make(struct render_plan *p, const struct site *site,
    const struct render_options *o);
/* The number of files with that change. */
size_t
render_plan_count(const struct render_plan *p, enum render_change change);
/*
 * Writes the new and the changed files and removes those that are gone; with
 * `force`, also those that somebody has edited. Each file is replaced as a
 * whole, and none is if one of them cannot be written. False: an error was
 * printed.
 */
MUST_CHECK bool render_plan_write(const struct render_plan *p, bool force);

#endif
