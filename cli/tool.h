/* tool: finds programs of other packages, such as nginx. */
#ifndef CLI_TOOL_H
#define CLI_TOOL_H

struct arena;

/*
 * Returns the path of a program. It is searched in PATH, and in the directories
 * where Debian has servers and which are not in an ordinary user's PATH. NULL:
 * the program is missing; an error was printed.
 */
const char *tool_find(struct arena *a, const char *name);
/* Like tool_find(), but prints no error when the program is missing. */
const char *tool_look_for(struct arena *a, const char *name);
/*
 * Returns the directory of PostgreSQL's server programs, which Debian does not
 * have in PATH. If `version` is NULL, those of the newest major version.
 */
const char *tool_find_postgres(struct arena *a, const char *version);

#endif
