/* tool: programs that are not ours. */
#ifndef CLI_TOOL_H
#define CLI_TOOL_H

struct arena;

/*
 * Where the program is: in PATH, or where Debian keeps servers, which an
 * ordinary user's PATH leaves out.  Complains, and returns NULL, without it.
 */
const char *tool_find(struct arena *a, const char *name);
/*
 * The directory of PostgreSQL's server programs: of that major version, or of
 * the newest when it is NULL.  Debian keeps them out of PATH.
 */
const char *tool_find_postgres(struct arena *a, const char *version);

#endif
