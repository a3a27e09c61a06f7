/*
 * env_file: a list of environment variables, and files with a line NAME=value
 * for each: the operator's /etc/kedge/NAME.env, kedge.env, and generated ones.
 *
 * systemd reads the same files (EnvironmentFile=), so the rules are those of
 * systemd.exec(5): a line that begins with # or ; is a comment; blanks around a
 * value are ignored; a value, or parts of it, may be in single or double
 * quotes, which may span lines; "\" quotes the next character, and a line that
 * ends with it goes on in the next line; of several lines for a variable the
 * last one counts. What systemd ignores is an error here: a line without "=",
 * an invalid name, quotes that do not end.
 */
#ifndef CLI_ENV_FILE_H
#define CLI_ENV_FILE_H

#include <stdbool.h>

#include "base/attr.h"

struct arena;

struct environment {
	const char *names[512];
	const char *values[512];
	int first_lines[512], last_lines[512]; /* in the file it is from */
	int count;
};

/* Adds a variable; there must be room. */
void
environment_put(struct environment *e, const char *name, const char *value);
/* The value of the variable; NULL: there is no such variable. */
const char *environment_find(const struct environment *e, const char *name);
/*
 * Adds the variables of a file. False: the file cannot be read, or has a wrong
 * line; an error with the number of the line was printed.
 */
MUST_CHECK bool
environment_parse(struct arena *a, const char *path, struct environment *e);
/* Like the function above, but a file that does not exist is no error. */
MUST_CHECK bool environment_parse_if_exists(
    struct arena *a, const char *path, struct environment *e);
/*
 * Returns the value as it must be written in a file: in quotes, if without them
 * it would be read as another value.
 */
const char *environment_quoted(struct arena *a, const char *value);
/*
 * Returns the text of a file with all variables of the environment, one
 * NAME=value a line, after the comment lines `head`.
 */
const char *environment_text(
    struct arena *a, const char *head, const struct environment *e);

#endif
