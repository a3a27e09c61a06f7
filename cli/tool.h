/* tool: finds programs of other packages, such as nginx. */
#ifndef CLI_TOOL_H
#define CLI_TOOL_H

struct arena;

/*
 * The path of a program: in PATH, or in a directory where Debian has servers
 * and which is not in an ordinary user's PATH.  NULL: it is missing; an error
 * was printed.
 */
const char *tool_find(struct arena *a, const char *name);
/*
 * The directory of PostgreSQL's server programs, which Debian does not have in
 * PATH.  version NULL: of the newest major version.
 */
const char *tool_find_postgres(struct arena *a, const char *version);

#endif
