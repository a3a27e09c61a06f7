/*
 * audit: the command `kedge audit`: checks the chain of each service's audit
 * log, writes down where it ends, and deletes what is old (docs/AUDIT.md).
 */
#ifndef CLI_AUDIT_H
#define CLI_AUDIT_H

#include "base/attr.h"

struct arena;

int audit_command(int argc, char **argv);

/*
 * The host's user account that calls this command, for the audit log. If the
 * command runs as root: the account that called sudo(8).
 */
const char *audit_caller(struct arena *a);

#endif
