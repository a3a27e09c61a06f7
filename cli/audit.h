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
 * The account of the host that calls this command, for the audit log: the one
 * that called sudo(8), if the command runs as root.
 */
const char *audit_caller(struct arena *a);

#endif
