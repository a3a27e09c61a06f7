/*
 * postgres: the private PostgreSQL cluster of a stack.
 *
 * The directory pg/ has the cluster (pg/data), its configuration, which is
 * written at each start, and its socket. PostgreSQL listens on no TCP port.
 * Services log in with their role and password. The superuser "kedge" and the
 * roles NAME_owner have no password: the operating system's user that runs the
 * stack may log in as them (peer authentication).
 *
 * PostgreSQL refuses to run as root. When the stack runs as root, PostgreSQL
 * runs as the user postgres. If that user cannot reach the stack's directory,
 * pg is a symbolic link to a directory below /var/lib/kedge.
 */
#ifndef CLI_POSTGRES_H
#define CLI_POSTGRES_H

#include <stdbool.h>

#include "base/attr.h"

#include "process.h"
#include "stack.h"

struct postgres {
	const char *bin; /* directory of PostgreSQL's server programs */
	struct process_user user;
	bool other_user; /* PostgreSQL runs as `user`, not as our own user */
	bool made; /* the cluster exists already */
};

/* Finds PostgreSQL's programs, makes pg/ and writes the configuration. */
MUST_CHECK bool
postgres_prepare(const struct stack *s, struct postgres *ret_postgres);
/*
 * The directory of the cluster, if it is not in the stack's directory and pg is
 * a link to it; NULL: it is not.
 */
const char *postgres_linked_dir(struct arena *a);
/* Describes the step that makes the cluster. */
void postgres_plan_cluster(const struct stack *s, const struct postgres *p,
    struct process *ret_process);
void postgres_plan_server(const struct stack *s, const struct postgres *p,
    struct process *ret_process);

#endif
