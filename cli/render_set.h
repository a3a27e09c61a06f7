/*
 * render_set: makes all files of a server from kedge.json, in memory.
 *
 * What is made is one table (render_kinds in render_set.c); files from a
 * template with one target each are rows of another (render_template.c).
 */
#ifndef CLI_RENDER_SET_H
#define CLI_RENDER_SET_H

#include <stdbool.h>

#include "base/attr.h"

#include "file_set.h"
#include "site.h"

enum { RENDER_KINDS = 4 };

/* A kind of files that can be selected by --what. */
struct render_kind {
	const char *name;
	/* where the files are, on the server */
	const char *directory;
	/*
	 * How the names of Kedge's own files in this directory begin; others in
	 * it are never looked at.
	 */
	const char *prefix;
	/* where a person's additions belong, for the mark of each file */
	const char *additions;
	/* Adds the files; their paths are relative to `directory`. */
	bool (*add)(
	    const struct site *site, const char *root, struct file_set *files);
};

extern const struct render_kind render_kinds[RENDER_KINDS];

/*
 * Adds the files of a kind, with their marks and with absolute paths below
 * `root` ("" is the root of the file system). `source` is the path of
 * kedge.json. False: an error was printed.
 */
MUST_CHECK bool render_add(const struct render_kind *kind,
    const struct site *site, const char *root, const char *source,
    struct file_set *files);

#endif
