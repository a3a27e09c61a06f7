/*
 * scaffold: a change of several files of a checkout that is made as a whole or
 * not at all.
 *
 * The files are prepared in memory, written to a directory below build/,
 * formatted there, and then moved to their places. When a step fails, the steps
 * before it are undone.
 */
#ifndef CLI_SCAFFOLD_H
#define CLI_SCAFFOLD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"

struct arena;
struct template_value;

enum {
	SCAFFOLD_FILES_MAX = 512,
	/* where the path is in a line of a record: after checksum and blanks */
	SCAFFOLD_PATH_AT = 66,
};

enum scaffold_kind {
	SCAFFOLD_NEW, /* the file must not exist */
	SCAFFOLD_EDIT,
	SCAFFOLD_DELETE,
};

struct scaffold_file {
	enum scaffold_kind kind;
	const char *path; /* relative to the checkout */
	const char *text; /* the new contents; NULL for SCAFFOLD_DELETE */
	const char *old; /* the contents before; NULL for SCAFFOLD_NEW */
	bool done; /* the file is in its place */
};

struct scaffold {
	struct arena *arena;
	const char *root; /* the checkout */
	const char *templates; /* the directory templates/ */
	const char *stage; /* the directory below build/ */
	/*
	 * The path of a list of the files that were made, with their checksums,
	 * in the format of sha256sum: scaffold_commit() keeps it up to date.
	 * NULL: there is no such list.
	 */
	const char *record;
	struct scaffold_file files[SCAFFOLD_FILES_MAX];
	int nfiles;
	/* directories that were made, so that they can be removed again */
	const char *dirs[SCAFFOLD_FILES_MAX];
	int ndirs;
};

/*
 * Enters the directory `root`. False: it is not a checkout, or there are no
 * templates in it or in /usr/share/kedge.
 */
MUST_CHECK bool
scaffold_open(struct scaffold *s, struct arena *a, const char *root);
/* Returns the path of the list of a service's files, for the member record. */
const char *scaffold_record(struct arena *a, const char *service);
/*
 * Prepares a new file from the template templates/NAME.in. False: the file
 * exists, or the template cannot be filled.
 */
MUST_CHECK bool scaffold_make(struct scaffold *s, const char *path,
    const char *template, const struct template_value *values);
/* Prepares a new file with the given text. False: the file exists. */
MUST_CHECK bool
scaffold_add(struct scaffold *s, const char *path, const char *text);
/*
 * Returns the contents of a file, with the changes that are prepared. NULL: it
 * cannot be read; an error was printed.
 */
const char *scaffold_text(struct scaffold *s, const char *path);
/* Prepares other contents for a file that exists or is prepared. */
MUST_CHECK bool
scaffold_edit(struct scaffold *s, const char *path, const char *text);
/* Prepares the removal of a file. */
MUST_CHECK bool scaffold_delete(struct scaffold *s, const char *path);
/*
 * Formats the new C files with clang-format if it is installed, and moves all
 * files to their places. False: the checkout is as it was.
 */
MUST_CHECK bool scaffold_commit(struct scaffold *s);

#endif
